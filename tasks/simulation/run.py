"""Lets simulated workers do a campaign's open work through the real pages, over HTTP."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
from django.db.models import Count, Max, Q
from django.utils import timezone

from tasks.crowds.local.identity import invitation_path
from tasks.models import HIT, Campaign, Place
from tasks.models.campaign import State
from tasks.simulation.workers import Character, Mind, World, characters, truth_of
from tasks.simulation.worksheet import worksheet

THREADS = 32  # workers at once; more take turns
PATIENCE = 60.0  # seconds for one page


class SimulationError(RuntimeError):
    """The site did not answer as it should; the message names the address."""


@dataclass
class Outcome:
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
) -> Outcome:
    """Let `workers` simulated workers answer until each is thanked and nobody finds more.

    The same seed means the same workers, also in another campaign. `progress` is called with
    (answers so far, answers that the campaign should have). Raises SimulationError, BadTruth.
    """
    crew = characters(workers, seed, careless)
    world = World.of(campaign, truth_of(campaign, truth), seed)
    doors = {one.name: invitation_path(campaign, one.name) for one in crew}
    tally = _Tally(campaign, progress)
    outcome = Outcome(
        answers=dict.fromkeys(doors, 0), careless=[one.name for one in crew if one.careless]
    )
    started = time.monotonic()
    stop = threading.Event()
    with ThreadPoolExecutor(max(1, min(workers, THREADS))) as pool:
        hands = [_Hand(base_url, one, doors[one.name], world, tally, stop) for one in crew]
        try:
            # A worker who is thanked may find work again: a place that somebody let go.
            while any(done := list(pool.map(_Hand.work, hands))):
                for one, count in zip(crew, done, strict=True):
                    outcome.answers[one.name] += count
        finally:
            stop.set()
            for hand in hands:
                hand.client.close()
    outcome.seconds = time.monotonic() - started
    outcome.places_left, outcome.workers_needed = work_left(campaign)
    return outcome


def work_left(campaign: Campaign) -> tuple[int, int]:
    """(places without an answer, new workers that could give them all) of an open campaign.

    A new worker can take one place of each HIT: the HIT that lacks most decides.
    """
    campaign.refresh_from_db(fields=["state", "round", "target"])
    if campaign.state != State.OPEN:
        return 0, 0
    free = Count("places", filter=Q(places__free_at__lte=timezone.now()))
    worst = HIT.objects.filter(campaign=campaign).annotate(free=free).aggregate(Max("free"))
    unopened = campaign.workers_per_item - campaign.target
    places = Place.objects.filter(campaign=campaign, free_at__lte=timezone.now()).count()
    return places + unopened * campaign.hits.count(), (worst["free__max"] or 0) + unopened


class _Tally:
    """Counts answers over all threads."""

    def __init__(self, campaign: Campaign, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._total = campaign.hits.count() * campaign.workers_per_item
        self._done = Place.objects.filter(campaign=campaign, free_at=None).count()

    def one_more(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(min(self._done, self._total), self._total)


class _Hand:
    """One worker at one browser."""

    def __init__(
        self,
        base_url: str,
        character: Character,
        door: str,
        world: World,
        tally: _Tally,
        stop: threading.Event,
    ) -> None:
        self.door, self.pictures, self.tally, self.stop = door, world.pictures, tally, stop
        self.mind = Mind(character, world, self._loads)
        self.client = httpx.Client(
            base_url=base_url, follow_redirects=True, timeout=PATIENCE, trust_env=False
        )

    def work(self) -> int:
        """Answer HIT after HIT until a page has none; how many."""
        done = 0
        response = self._ask("GET", self.door)
        while not self.stop.is_set():
            received = time.monotonic()
            sheet = worksheet(response.text)
            if sheet is None:
                if response.status_code != 410:
                    return done
                response = self._ask("GET", self.door)  # too late for that one: on to the next
                continue
            fields = self.mind.fill_in(sheet)
            seconds = f"{time.monotonic() - received:.3f}"
            fields = [(k, seconds if k == "active_seconds" else v) for k, v in fields]
            response = self._ask("POST", sheet.action or str(response.url), fields)
            if response.status_code != 410:
                done += 1
                self.tally.one_more()
        return done

    def _ask(
        self, method: str, address: str, fields: list[tuple[str, str]] | None = None
    ) -> httpx.Response:
        data: dict[str, list[str]] = {}
        for name, value in fields or []:
            data.setdefault(name, []).append(value)
        try:
            response = self.client.request(method, address, data=data or None)
        except httpx.HTTPError as error:
            raise SimulationError(
                f"{self.client.base_url} does not answer: {type(error).__name__} {error}"
            ) from error
        if response.status_code not in (200, 410):
            raise SimulationError(
                f"{method} {response.url.copy_with(query=None)}: status {response.status_code}"
            )
        return response

    def _loads(self, address: str) -> bool:
        """Whether a picture is to be had; each is fetched once, as if all shared a browser."""
        seen = self.pictures
        if address not in seen:
            try:
                seen[address] = self.client.get(address).status_code == 200
            except httpx.HTTPError:
                seen[address] = False
        return seen[address]
