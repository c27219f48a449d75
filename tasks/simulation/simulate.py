"""Lets simulated workers do a campaign's open work through the real pages, over HTTP."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
from django.db.models import Count, Max, Q

from imagesets.clock import Now
from tasks.crowds import crowd_of
from tasks.models import HIT, Assignment, Campaign, Place
from tasks.models.campaign import State
from tasks.money import sessions_for
from tasks.simulation.browsers import form_data, new_browser
from tasks.simulation.workers import Character, Mind, World, characters, truth_of
from tasks.simulation.worksheet import (
    Worksheet,
    begin_form,
    consent_form,
    problem_on,
    way_on,
    worksheet,
)

THREADS = 32  # workers at once; more take turns


class SimulationError(RuntimeError):
    """The site did not answer as it should; the message names the address."""


@dataclass
class SimulationResult:
    """What the simulated workers did, and what is left."""

    answers: dict[str, int] = field(default_factory=dict)  # by worker's name
    careless: list[str] = field(default_factory=list)
    places_left: int = 0
    workers_needed: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.answers.values())


def simulate(
    base_url: str,
    campaign: Campaign,
    workers: int = 12,
    seed: int = 0,
    truth: Iterable[Mapping[str, str]] | None = None,
    careless: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> SimulationResult:
    """Let `workers` simulated workers answer until the site has no more work for any of them.

    They come in by the crowd's door. The same seed means the same workers, whatever the campaign.
    Each says how long a person of their character would look (active seconds); since the site's own
    clock saw milliseconds, what it measured is cleared: it would say of all that they are machines.
    `progress` is called with (answers so far, answers that the campaign should have). Raises
    SimulationError, StrangePage, BadTruth.
    """
    crew = characters(workers, seed, careless)
    world = World.of(campaign, truth_of(campaign, truth), seed)
    door = crowd_of(campaign).door
    if door is None:
        raise SimulationError(f"campaign {campaign.slug}: a marketplace gives out its work")
    links = {character.name: door.link(campaign, character.name) for character in crew}
    tally = Tally(campaign, progress)
    result = SimulationResult(
        answers=dict.fromkeys(links, 0),
        careless=[character.name for character in crew if character.careless],
    )
    started = time.monotonic()
    stop = threading.Event()
    with ThreadPoolExecutor(max(1, min(workers, THREADS))) as pool:
        browsers = [
            Browser(base_url, character, links[character.name], world, tally, stop)
            for character in crew
        ]
        try:
            # A worker who found nothing left may find work again: a place that somebody gave up.
            while any(counts := list(pool.map(Browser.work, browsers))):
                for character, count in zip(crew, counts, strict=True):
                    result.answers[character.name] += count
        finally:
            stop.set()
            for browser in browsers:
                browser.client.close()
    result.seconds = time.monotonic() - started
    Assignment.objects.filter(
        campaign=campaign, worker__crowd=campaign.crowd, worker__external_id__in=links
    ).update(wall_seconds=None)
    result.places_left, result.workers_needed = work_left(campaign)
    return result


def work_left(campaign: Campaign) -> tuple[int, int]:
    """(places without an answer, new workers who could fill them) of an open campaign (rule P6).

    A new worker can take one place of each HIT, so the HIT with the most free places decides; and
    where sessions are paid, each does no more than one.
    """
    campaign.refresh_from_db(fields=["state", "round", "target"])
    if campaign.state != State.OPEN:
        return 0, 0
    free = Count("places", filter=Q(places__free_at__lte=Now()))
    hits = HIT.objects.filter(campaign=campaign, asks_nothing=False)
    most_free = hits.annotate(free=free).aggregate(Max("free"))
    unopened = campaign.workers_per_item - campaign.target
    places = Place.objects.filter(hit__in=hits, free_at__lte=Now()).count()
    left = places + unopened * hits.count()
    sessions = sessions_for(campaign, left) if campaign.session_hits else 0
    return left, max((most_free["free__max"] or 0) + unopened, sessions)


class Tally:
    """Counts answers over all threads."""

    def __init__(self, campaign: Campaign, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._total = campaign.hits.filter(asks_nothing=False).count() * campaign.workers_per_item
        self._done = Place.objects.filter(campaign=campaign, free_at=None).count()

    def one_more(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(min(self._done, self._total), self._total)


class Browser:
    """One worker in a browser of their own."""

    def __init__(
        self,
        base_url: str,
        character: Character,
        link: str,
        world: World,
        tally: Tally,
        stop: threading.Event,
    ) -> None:
        self.link, self.pictures, self.tally, self.stop = link, world.pictures, tally, stop
        self.mind = Mind(character, world, self._loads)
        self.client = new_browser(base_url=base_url, follow_redirects=True)

    def work(self) -> int:
        """Answer HIT after HIT, after the practice, until a page has none. Returns how many."""
        done = 0
        response = self.begin()
        while not self.stop.is_set():
            if worksheet(response.text) is not None:
                response, taken = self.answer(response)
                done += taken
            elif form := way_on(response.text):
                response = self.go_on(response, form)
            elif response.status_code == 410:
                response = self.begin()  # too late for this HIT: on to the next
            else:
                break
        return done

    def answer(self, response: httpx.Response) -> tuple[httpx.Response, bool]:
        """Answer the form on a page. Returns what follows, and whether it was a HIT's answer."""
        sheet = worksheet(response.text)
        assert sheet is not None
        practises = response.url.path.endswith("/practice/")
        fields = self.mind.fill_in(sheet)
        seconds = f"{self.mind.seconds(sheet):.3f}"
        fields = [(k, seconds if k == "active_seconds" else v) for k, v in fields]
        response = self.ask("POST", sheet.action or str(response.url), fields)
        if (wrong := problem_on(response.text)) is not None:
            raise SimulationError(f"{response.url.path} takes no answer: {wrong}")
        taken = response.status_code != 410 and not practises
        if taken:
            self.tally.one_more()
        return response, taken

    def go_on(self, response: httpx.Response, form: Worksheet) -> httpx.Response:
        """Press the first button of a page's form that leads on."""
        return self.ask("POST", str(response.url), [*form.hidden, form.buttons[0]])

    def begin(self) -> httpx.Response:
        """Come in by the link that they were given."""
        return self.enter(self.link)

    def enter(self, address: str) -> httpx.Response:
        """Follow a link and press "Begin", unless it leads on by itself; agree where asked."""
        response = self.ask("GET", address)
        if form := begin_form(response.text):
            response = self.ask("POST", form.action, form.hidden)
        if form := consent_form(response.text):
            response = self.ask("POST", str(response.url), [*form.hidden, form.buttons[0]])
        return response

    def ask(
        self, method: str, address: str, fields: list[tuple[str, str]] | None = None
    ) -> httpx.Response:
        """What the site answers at last. Raises SimulationError where it does not, or fails."""
        response = self.request(method, address, form_data(fields or []))
        if response.status_code not in (200, 410):
            raise SimulationError(
                f"{method} {response.url.copy_with(query=None)}: status {response.status_code}"
            )
        return response

    def request(self, method: str, address: str, data: dict[str, list[str]]) -> httpx.Response:
        """What the site answers now. Raises SimulationError where it does not."""
        try:
            return self.client.request(method, address, data=data or None)
        except httpx.HTTPError as error:
            raise SimulationError(
                f"{self.client.base_url} does not answer: {type(error).__name__} {error}"
            ) from error

    def _loads(self, address: str) -> bool:
        """Whether a picture loads; each is fetched once, as if all workers shared a cache."""
        loads = self.pictures
        if address not in loads:
            try:
                loads[address] = self.client.get(address).status_code == 200
            except httpx.HTTPError:
                loads[address] = False
        return loads[address]
