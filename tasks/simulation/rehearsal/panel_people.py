"""Simulated people of a panel: they come, work their sessions, misbehave at seeded rates, go back.

A study is played until it has its answers; then what the panel heard is held against the site.
"""

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.urls import reverse

from imagesets.clock import Now
from tasks.campaigns.publish import publish
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Place, PracticeTry, Session
from tasks.models.campaign import State
from tasks.models.session import SessionOutcome
from tasks.pages.sessions import ENDED
from tasks.simulation.browsers import ask_patiently, new_browser
from tasks.simulation.rehearsal.panel import MISTAKEN, Panel
from tasks.simulation.rehearsal.stage import WHO, Bill, Stalled
from tasks.simulation.simulate import Browser, SimulationError, Tally
from tasks.simulation.workers import Character, World, characters, truth_of
from tasks.simulation.worksheet import Worksheet, is_thanks, link_on, way_on, worksheet
from tasks.work.sessions import end_idle

THREADS = 12
MOST = 4000  # people who come to one study
MOST_PAGES = 300  # of one session
WAY_BACK = re.compile(r'<a class="button main" href="([^"]+)"')
LEFT = str(ENDED[SessionOutcome.LEFT].heading)  # an end that the panel has no code for


@dataclass(frozen=True)
class Habits:
    """How often a person does what they need not, from 0 to 1 each."""

    refreshes: float = 0.1  # loads each page twice
    sends_twice: float = 0.05
    comes_back: float = 0.1  # closes the browser in the middle, and comes again in another
    leaves: float = 0.04  # never comes back
    steals: float = 0.05  # first tries another person's session
    goes_on: float = 0.3  # beyond the session, HIT by HIT
    returns_twice: float = 0.1  # presses the button that leads back once more
    comes_late: float = 0.02  # answers when their time is over, perhaps their session too
    wrong_code: float = 0.03  # types it, wrongly, in place of pressing the button
    no_code: float = 0.02


@dataclass
class Crew:
    """People whom a panel sends to a campaign, one after another, several at once."""

    panel: Panel
    campaign: Campaign
    site: str
    world: World
    seed: int = 0
    habits: Habits = field(default_factory=Habits)
    careless: int = 1  # of twelve
    pictures: bool = True  # whether they load them
    happened: Counter = field(default_factory=Counter)
    gone: list[str] = field(default_factory=list)  # sessions whose people will not come back
    begun: set[str] = field(default_factory=set)  # sessions in which somebody had work
    thanked: set[tuple[str, str]] = field(default_factory=set)  # answers taken; see checks.py

    def __post_init__(self) -> None:
        self._people = self._cast()

    def work(self, progress: Callable[[int], None] | None = None) -> None:
        """Send people until the campaign has no more work for anybody new. Raises Stalled."""
        tally = Tally(self.campaign, (lambda done, total: progress(1)) if progress else None)
        idle = 0
        while self._is_open() and idle < 3:
            done = self.send(THREADS, tally)
            self.let_time_pass()
            sync(self.campaign)
            idle = 0 if done else idle + 1
        if self._is_open():
            raise Stalled(
                f"campaign {self.campaign.slug} is still open, and nobody finds work in it"
            )

    def send(self, number: int, tally: Tally) -> int:
        """Send the next `number` people, at once. Returns how many HITs they answered."""
        batch = [next(self._people) for _ in range(number)]
        with ThreadPoolExecutor(number) as pool:
            visits = [pool.submit(self._visit, *each, tally) for each in batch]
            return sum(visit.result() for visit in visits)

    def let_time_pass(self) -> None:
        """For those who are gone: nobody waits for the real clock."""
        self._hours_pass_for(self.gone)
        self.gone.clear()

    def _hours_pass_for(self, keys: Sequence[str]) -> None:
        left = Session.objects.filter(campaign=self.campaign, key__in=keys)
        open_hits = Assignment.objects.filter(session__in=left, state="open")
        Place.objects.filter(holder__in=open_hits).update(free_at=Now())
        open_hits.update(expires_at=Now())
        PracticeTry.objects.filter(session__in=left, submitted_at=None).update(expires_at=Now())
        left.update(kept_until=Now() - timedelta(hours=2))

    def is_late(self, session: str, rng: random.Random) -> None:
        """Let hours pass for one session while its person looks at a HIT; perhaps it ends."""
        self._hours_pass_for([session])
        if rng.random() < 0.5:
            end_idle(self.campaign)

    def _is_open(self) -> bool:
        self.campaign.refresh_from_db()
        return self.campaign.state == State.OPEN

    def _cast(self) -> Iterator[tuple[Character, random.Random]]:
        cast = characters(12, self.seed, self.careless)
        for number in range(MOST):
            yield (
                _named(cast[number % len(cast)], f"person-{self.seed}-{number}"),
                random.Random(f"{self.seed} {number}"),
            )
        raise Stalled(f"{MOST} people came to campaign {self.campaign.slug}, and it is not done")

    def _visit(self, character: Character, rng: random.Random, tally: Tally) -> int:
        """One person's whole visit. Returns how many HITs they answered."""
        try:
            return _Visit(self, character, rng, tally).make()
        finally:
            connection.close()  # this thread's own, where it has one

    def chance(self, rng: random.Random, habit: str) -> bool:
        """Whether a habit shows now; counts it."""
        shows = rng.random() < getattr(self.habits, habit)
        self.happened[habit] += shows
        return shows


def _named(character: Character, name: str) -> Character:
    return replace(character, name=name)


class _Visit:
    def __init__(self, crew: Crew, character: Character, rng: random.Random, tally: Tally) -> None:
        self.crew, self.character, self.rng, self.tally = crew, character, rng, tally
        link = crew.panel.send(character.name)
        self.session = parse_qs(urlsplit(link).query)["SID"][0]
        self.browser = self._new_browser(link)

    def _new_browser(self, link: str) -> "_PanelBrowser":
        return _PanelBrowser(self, link)

    def make(self) -> int:
        """Come, work, go back."""
        if self.crew.chance(self.rng, "steals"):
            self._steal()
        leaves, comes_back, comes_late = (
            self.crew.chance(self.rng, habit) for habit in ("leaves", "comes_back", "comes_late")
        )
        self.was_late = comes_late
        done = 0
        try:
            response = self.browser.begin()
            for _ in range(MOST_PAGES):
                if leaves and done:
                    self.crew.gone.append(self.session)
                    return done
                if comes_back and done:
                    comes_back = False
                    response = self._come_again()
                if comes_late and done:
                    comes_late = False
                    self.crew.is_late(self.session, self.rng)
                if worksheet(response.text) is not None:
                    self.crew.begun.add(self.session)
                    response, taken = self.browser.answer(response)
                    done += taken
                elif form := way_on(response.text):
                    response = self.browser.go_on(response, form)
                elif WAY_BACK.search(response.text) is None and (link := link_on(response.text)):
                    response = self.browser.enter(link)
                elif response.status_code == 410:
                    response = self.browser.begin()
                else:
                    self._go_back(response)
                    return done
            raise SimulationError(f"session {self.session} has no end: {response.url.path}")
        finally:
            self.browser.client.close()

    def _come_again(self) -> httpx.Response:
        """In another browser, without the cookies of the first."""
        self.browser.client.close()
        self.browser = self._new_browser(self.browser.link)
        return self.browser.begin()

    def _steal(self) -> None:
        """Try a session that the panel gave to somebody else: there must be neither work nor code.

        The session is one that has begun: whoever found no work has left none to steal.
        """
        others = [key for key, who in list(self.crew.panel.sent.items())
                  if who != self.character.name and key in self.crew.begun]  # fmt: skip
        if not others:
            return
        link = self.crew.panel.address_for(self.character.name, self.rng.choice(others))
        with new_browser(base_url=self.crew.site, follow_redirects=True) as thief:
            page = ask_patiently(thief, "GET", link)
            if page.status_code != 409 or "/back" in page.text:
                raise SimulationError(f"a stolen session was let in with status {page.status_code}")

    def _go_back(self, response: httpx.Response) -> None:
        """Press the button that leads back to the panel; where there is none, they are stuck."""
        found = WAY_BACK.search(response.text)
        if (
            found is None
            and self.was_late
            and str(ENDED[SessionOutcome.LEFT].heading) in response.text
        ):
            return  # the panel knows no such end
        if found is None:
            raise SimulationError(f"{response.url.path} does not lead back to the panel")
        for habit, typed in zip(("wrong_code", "no_code"), MISTAKEN, strict=True):
            if self.crew.chance(self.rng, habit):
                self.crew.panel.take_back(self.character.name, self.session, typed)
                return
        address = unescape(found[1])
        for _ in range(1 + self.crew.chance(self.rng, "returns_twice")):
            back = self.browser.client.get(address)
            if back.status_code != 200:
                raise SimulationError(f"the panel does not take back {self.character.name}")


class _PanelBrowser(Browser):
    """A browser whose person has habits."""

    def __init__(self, visit: _Visit, link: str) -> None:
        self.visit = visit
        super().__init__(
            visit.crew.site,
            visit.character,
            link,
            visit.crew.world,
            visit.tally,
            threading.Event(),
        )

    def request(self, method: str, address: str, data: dict[str, list[str]]) -> httpx.Response:
        def noted() -> None:
            self.visit.crew.happened["tried again"] += 1

        return ask_patiently(self.client, method, address, data, noted=noted)

    def _loads(self, address: str) -> bool:
        return not self.visit.crew.pictures or super()._loads(address)

    def ask(
        self, method: str, address: str, fields: list[tuple[str, str]] | None = None
    ) -> httpx.Response:
        crew, rng = self.visit.crew, self.visit.rng
        response = super().ask(method, address, fields)
        work = dict(fields or []).get("assignmentId")
        if method == "POST" and work and is_thanks(response):
            crew.thanked.add((self.visit.character.name, work))
        if method == "POST" and crew.chance(rng, "sends_twice"):
            again = super().ask(method, address, fields)
            response = again if again.status_code == 200 else response
            response = self._on_from(response)
        if crew.chance(rng, "refreshes") and response.request.method == "GET":
            response = super().ask("GET", str(response.url))
        return response

    def _on_from(self, response: httpx.Response) -> httpx.Response:
        """From the thanks for an answer sent twice back to what is to be done."""
        if worksheet(response.text) is None and way_on(response.text) is None:
            return self.begin()
        return response

    def go_on(self, response: httpx.Response, form: Worksheet) -> httpx.Response:
        """Go on for a bonus now and then; else finish."""
        names = dict(form.buttons)
        if "finish" in names and not self.visit.crew.chance(self.visit.rng, "goes_on"):
            fields = [*form.hidden, ("finish", names["finish"])]
            return self.ask("POST", str(response.url), fields)
        return super().go_on(response, form)


def send_to(panel: Panel, campaign: Campaign, site: str) -> None:
    """Paste a draft's address into the panel, and give the draft the panel's ways back."""
    panel.study = site + reverse("tasks:campaign", args=[campaign.public_id])
    campaign.panel = panel.setting()
    campaign.save(update_fields=["panel"])


def crew_for(
    panel: Panel,
    campaign: Campaign,
    site: str,
    seed: int = 0,
    truth: Iterable[Mapping[str, str]] | None = None,
    **options: Any,
) -> Crew:
    """People for a published campaign; the options are Crew's."""
    rows = None if truth is None else list(truth)
    world = World.of(campaign, truth_of(campaign, rows), seed)
    return Crew(panel, campaign, site, world, seed, **options)


def play_panel(
    panel: Panel,
    campaign: Campaign,
    site: str,
    seed: int = 0,
    truth: Iterable[Mapping[str, str]] | None = None,
    habits: Habits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Bill:
    """Publish a draft for the panel, let people come until it is done, and say what it cost.

    Raises Refused, Stalled, SimulationError, and RuntimeError if the panel heard what the site does
    not say.
    """
    send_to(panel, campaign, site)
    before, settings.PUBLIC_URL = settings.PUBLIC_URL, site
    try:
        publish(campaign, WHO)
        crew_for(panel, campaign, site, seed, truth, habits=habits or Habits()).work(progress)
    finally:
        settings.PUBLIC_URL = before
    if wrong := panel.disagreements(campaign):
        raise RuntimeError(f"the panel and the site disagree: {'; '.join(wrong[:3])}")
    return bill_of(campaign)


def bill_of(campaign: Campaign) -> Bill:
    """What a campaign whose people are paid by the session costs, by its own ledger."""
    sums = dict(campaign.payments.order_by().values_list("kind").annotate(sum=Sum("amount")))
    answers = campaign.assignments.filter(state="submitted").select_related("hit")
    seconds = sum(answer.hit.expected_seconds for answer in answers)
    zero = Decimal(0)
    return Bill(
        hits=campaign.hits.count(),
        answers=answers.count(),
        rewards=sums.get("base", zero),
        bonuses=sums.get("bonus", zero) + sums.get("practice", zero),
        fees=sums.get("fee", zero) + sums.get("vat", zero),
        hours=seconds / 3600,
        workers=answers.values("worker").distinct().count(),
        sessions=campaign.payments.filter(kind="base").count(),
    )
