"""Simulated participants: they take a place, do the real pages, go back with a code, and misbehave.

Each has habits at seeded rates. What they see and know is as in tasks/simulation/workers.py.
"""

import contextlib
import hashlib
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape

import httpx

from tasks.simulation.browsers import ask_patiently, form_data, new_browser
from tasks.simulation.rehearsal.prolific.errors import NotAllowed
from tasks.simulation.rehearsal.prolific.market import ProlificMarket
from tasks.simulation.rehearsal.prolific.records import AUTO_APPROVAL, WAITING, Study, Submission
from tasks.simulation.workers import Character, Mind, World, characters
from tasks.simulation.worksheet import (
    begin_form,
    consent_form,
    is_thanks,
    link_on,
    way_on,
    worksheet,
)

GONE_AFTER = timedelta(hours=2)  # without a sign of life the site waits for nobody any longer
THREADS = 16
MOST_PAGES = 300  # of one session
CODE = re.compile(r"/submissions/complete\?cc=([\w-]+)")


@dataclass(frozen=True)
class SessionHabits:
    """How often a participant does what they should not, or need not, from 0 to 1 each."""

    refreshes: float = 0.1  # a page
    sends_twice: float = 0.05  # an answer
    returns: float = 0.03  # in the middle of a session
    goes_away: float = 0.03  # in the middle, and never comes back
    comes_back: float = 0.05  # in the middle, by the study's address, in another browser
    comes_late: float = 0.02  # is timed out before the end
    forgets: float = 0.02  # has done it all, and never goes back to Prolific
    wrong_code: float = 0.03
    no_code: float = 0.02
    steals: float = 0.03  # somebody else's session, before their own
    goes_on: float = 0.4  # for a bonus, after each set
    stops: float = 0.0  # in the middle, and hands in with a code of their own making
    ignores: float = 0.0  # that they are asked to return their submission


BEST = SessionHabits(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
EARLY = ("returns", "goes_away", "comes_back", "comes_late", "stops")


@dataclass
class Participant:
    """One person."""

    character: Character
    id: str
    rng: random.Random
    tried: set[str] = field(default_factory=set)  # studies


def participants(number: int, seed: int = 0, careless: int = 1) -> list[Participant]:
    """`number` people, the same for the same seed; the second is careless."""
    return [
        Participant(character, _id(seed, place), random.Random(f"{seed} {place}"))
        for place, character in enumerate(characters(number, seed, careless), 1)
    ]


def _id(seed: int, place: int) -> str:
    return hashlib.sha256(f"participant {seed} {place}".encode()).hexdigest()[:24]


class ParticipantCrew:
    """People at the site's pages, by way of the stand-in."""

    def __init__(
        self,
        market: ProlificMarket,
        people: Iterable[Participant],
        world_of: Callable[[str], World | None],
        habits: SessionHabits | None = None,
        pictures: bool = True,
    ) -> None:
        """`world_of(public_id)`: what a campaign is about. `pictures`: whether they load them."""
        self.market, self.people = market, list(people)
        self.habits = habits or SessionHabits()
        self.pictures = pictures
        self.happened: Counter[str] = Counter()
        self.thanked: set[tuple[str, str]] = set()  # answers that the site has taken; see checks.py
        self._world_of = world_of
        self._stop = threading.Event()
        self._count = threading.Lock()

    def hire(self, number: int, seed: int = 0) -> None:
        """Bring in `number` more people, careful ones."""
        before = len(self.people)
        self.people += participants(before + number, seed, careless=0)[before:]

    def work(self, progress: Callable[[int], None] | None = None) -> int:
        """Let everybody take part once in each open study. Returns how many answers were sent.

        Raises RuntimeError if the site answers as it must not.
        """
        self._return_what_was_asked_back()
        studies = self.market.open_studies()
        worlds = {s.id: self._world_of(s.fields.get("metadata") or "") for s in studies}

        def work_of(person: Participant) -> int:
            total = 0
            for study in studies:
                world = worlds[study.id]
                if world is not None and study.id not in person.tried and not self._stop.is_set():
                    total += self._take_part(person, study, world, progress)
            return total

        with ThreadPoolExecutor(THREADS) as pool:
            try:
                return sum(pool.map(work_of, self.people))
            finally:
                self._stop.set()
                self._stop = threading.Event()

    def _return_what_was_asked_back(self) -> None:
        with self.market.lock:
            for submission in list(self.market.submissions.values()):
                asked = submission.return_requested and submission.status == WAITING
                if asked and not self.ignores(submission):
                    self.market.give_back(submission)

    def ignores(self, submission: Submission) -> bool:
        """Whether its participant does nothing when they are asked to return it."""
        chance = random.Random(f"ignores {submission.participant}")
        return chance.random() < self.habits.ignores

    def let_reviews_end(self) -> bool:
        """Let the weeks pass after which Prolific approves what was not returned.

        False: nobody was asked to return anything that they have kept.
        """
        with self.market.lock:
            submissions = list(self.market.submissions.values())
            kept = [s for s in submissions if s.return_requested and s.status == WAITING]
            if kept:
                self.market.clock.move(AUTO_APPROVAL)
                self.market.settle()
        return bool(kept)

    def let_time_pass(self) -> timedelta:
        """Let the time of whoever went away run out, on the site too. Returns how long that is."""
        longest = max((s.allowed for s in self.market.studies.values()), default=timedelta())
        by = longest + GONE_AFTER
        self.market.clock.move(by)
        self.market.settle()
        return by

    def _take_part(
        self,
        person: Participant,
        study: Study,
        world: World,
        progress: Callable[[int], None] | None,
    ) -> int:
        try:
            submission = self.market.take(study, person.id)
        except NotAllowed:
            return 0
        person.tried.add(study.id)
        visit = Visit(self, person, submission, world, progress)
        try:
            if person.rng.random() < self.habits.steals:
                visit.steal()
            visit.take_part()
        finally:
            visit.browser.close()
        return visit.answers

    def note(self, what: str) -> None:
        with self._count:
            self.happened[what] += 1

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()


class Visit:
    """One participant in one session."""

    def __init__(
        self,
        crew: ParticipantCrew,
        person: Participant,
        submission: Submission,
        world: World,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.crew, self.person, self.submission = crew, person, submission
        self.world, self.progress = world, progress
        self.market, self.habits = crew.market, crew.habits
        self.answers = 0
        self.browser = new_browser(follow_redirects=True)
        self.mind = Mind(person.character, world, self._loads)

    def steal(self) -> None:
        """Try somebody else's session under one's own id: it must open neither work nor a code."""
        others = [s for s in self.submission.study.submissions if s is not self.submission]
        if not others:
            return
        self.crew.note("steals")
        theirs = self.person.rng.choice(others)
        address = self.market.address_of(self.submission).replace(self.submission.id, theirs.id)
        page = self._ask("GET", address)
        if begin_form(page.text) or worksheet(page.text) or CODE.search(page.text):
            raise RuntimeError("a stolen session was let in")
        self.browser.cookies.clear()

    def take_part(self) -> None:
        """Do HIT after HIT until a page leads back; then go back, more or less."""
        habit = self._one_of(*EARLY)
        after = self.person.rng.randrange(1, 4)  # answers until they do so
        page = self._begin()
        for _ in range(MOST_PAGES):
            if self.crew.stopped:
                return
            if habit and self.answers >= after:
                if self._misbehaves(habit):
                    return
                habit, page = "", self._begin()
                continue
            following = self._next(page)
            if following is None:
                self._go_back(page)
                return
            page = following
        raise RuntimeError(f"session {self.submission.id} has no end")

    def _misbehaves(self, habit: str) -> bool:
        """Do so; False: they go on afterwards."""
        self.crew.note(habit)
        if habit == "returns":
            self.market.give_back(self.submission)
        elif habit == "stops":
            with contextlib.suppress(NotAllowed):
                self.market.complete(self.submission, "INVENTED")
        elif habit == "comes_late":
            self.submission.started -= self.submission.study.allowed
            return False
        elif habit == "comes_back":
            self.browser.cookies.clear()
            return False
        return True

    def _begin(self) -> httpx.Response:
        return self._enter(self.market.address_of(self.submission))

    def _enter(self, address: str) -> httpx.Response:
        page = self._ask("GET", address)
        if form := begin_form(page.text):
            page = self._ask("POST", self._absolute(page, form.action), form.hidden)
        if form := consent_form(page.text):
            page = self._ask("POST", str(page.url), [*form.hidden, form.buttons[0]])
        return page

    def _next(self, page: httpx.Response) -> httpx.Response | None:
        """Do what the page asks for; None: it asks for nothing any more."""
        if (sheet := worksheet(page.text)) is not None:
            if self.person.rng.random() < self.habits.refreshes:
                self.crew.note("refreshes")
                page = self._ask("GET", str(page.url))
                sheet = worksheet(page.text) or sheet
            fields = self.mind.fill_in(sheet)
            address = self._absolute(page, sheet.action)
            practises = page.url.path.endswith("/practice/")
            page = self._ask("POST", address, fields)
            if is_thanks(page):
                self.crew.thanked.add((self.person.id, dict(fields)["assignmentId"]))
            if self.person.rng.random() < self.habits.sends_twice:
                self._ask("POST", address, fields)
            if page.status_code == 200 and not practises:
                self.answers += 1
                if self.progress is not None:
                    self.progress(1)
            return page
        if form := way_on(page.text):
            pressed = form.buttons[-1:]  # of a full session: "Finish"
            if len(form.buttons) > 1 and self.person.rng.random() < self.habits.goes_on:
                pressed = form.buttons[:1]
            address = self._absolute(page, form.action)
            return self._ask("POST", address, [*form.hidden, *pressed])
        if not CODE.search(unescape(page.text)) and (link := link_on(page.text)):
            return self._enter(self._absolute(page, link))
        return None

    def _go_back(self, page: httpx.Response) -> None:
        """Go back to Prolific with the page's code, if it has one, or with another."""
        shown = CODE.search(unescape(page.text))
        habit = self._one_of("forgets", "wrong_code", "no_code")
        if habit:
            self.crew.note(habit)
        if habit == "forgets":
            return
        code = shown[1] if shown else None
        if code is None:
            self.crew.note("no code was shown")
        try:
            other = {"wrong_code": "MISTAKEN", "no_code": None}
            self.market.complete(self.submission, other.get(habit, code))
            if self.submission.return_requested is not None:
                if self.crew.ignores(self.submission):
                    self.crew.note("ignores")
                else:
                    self.market.give_back(self.submission)
        except NotAllowed:
            self.crew.note("was too late")

    def _one_of(self, *names: str) -> str:
        at = self.person.rng.random()
        for name in names:
            at -= getattr(self.habits, name)
            if at < 0:
                return name
        return ""

    def _absolute(self, page: httpx.Response, address: str) -> str:
        return str(page.url.join(address)) if address else str(page.url)

    def _ask(
        self, method: str, address: str, fields: list[tuple[str, str]] | None = None
    ) -> httpx.Response:
        def noted() -> None:
            self.crew.note("tried again")

        data = form_data(fields or [])
        return ask_patiently(self.browser, method, address, data, lambda: self.crew.stopped, noted)

    def _loads(self, address: str) -> bool:
        if not self.crew.pictures:
            return True
        if address not in self.world.pictures:
            try:
                base = httpx.URL(self.submission.study.fields["external_study_url"])
                picture = self.browser.get(base.copy_with(query=None).join(address))
                self.world.pictures[address] = picture.status_code == 200
            except httpx.HTTPError:
                self.world.pictures[address] = False
        return self.world.pictures[address]
