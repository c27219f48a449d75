"""A study played through on the stand-in: publish, workers, sync, until it has its answers."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from tasks.campaigns.publish import publish
from tasks.crowds.mturk.frame import origin_of
from tasks.market.sync import sync
from tasks.models import HIT, Campaign
from tasks.models.campaign import State
from tasks.simulation.rehearsal.faults import Faults
from tasks.simulation.rehearsal.market import Market
from tasks.simulation.rehearsal.people import Crew, Habits, crew
from tasks.simulation.rehearsal.server import Server, serving
from tasks.simulation.workers import World, truth_of

WHO = "the rehearsal"
IDLE = 3  # passes without anything new before more workers come
HIRED = 3
MOST_HIRED = 9


class Stalled(RuntimeError):
    """The study gets no further; the message says where it stands."""


@dataclass(frozen=True)
class Bill:
    """What was paid on the marketplace, and how much work it was."""

    hits: int
    answers: int
    rewards: Decimal
    bonuses: Decimal
    fees: Decimal
    hours: float  # expected working time, of all workers together
    workers: int
    sessions: int = 0  # that were paid, where those are what is paid

    @property
    def total(self) -> Decimal:
        return self.rewards + self.bonuses + self.fees


class Stage:
    """The running stand-in, and the site's settings pointed at it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.market: Market = server.market
        self.address = server.address
        self.environment = {"MTURK_ENDPOINT_URL": self.address}
        self._worlds: dict[str, World | None] = {}

    @contextlib.contextmanager
    def site(self, public_url: str) -> Iterator[None]:
        """Let this process use the stand-in as MTurk within the block.

        Workers come to `public_url`.
        """
        names = ("MTURK_ENDPOINT_URL", "MTURK_SUBMIT_ORIGINS", "PUBLIC_URL")
        before = {name: getattr(settings, name) for name in names}
        settings.MTURK_ENDPOINT_URL = self.address
        settings.MTURK_SUBMIT_ORIGINS = [*before["MTURK_SUBMIT_ORIGINS"], origin_of(self.address)]
        settings.PUBLIC_URL = public_url
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(settings, name, value)

    def crew(
        self,
        workers: int,
        seed: int = 0,
        truth: Iterable[Mapping[str, str]] | None = None,
        habits: Habits | None = None,
        careless: int = 1,
        pictures: bool = True,
    ) -> Crew:
        """Simulated workers for every campaign whose HITs appear on the stand-in."""
        rows = None if truth is None else list(truth)

        def world_of(public_id: str) -> World | None:
            if public_id not in self._worlds:
                hit = HIT.objects.select_related("campaign").filter(public_id=public_id).first()
                self._worlds[public_id] = (
                    None if hit is None else self._world(hit.campaign, rows, seed)
                )
            return self._worlds[public_id]

        people = crew(workers, seed, careless)
        return Crew(self.market, self.address, people, world_of, habits, pictures)

    def _world(self, campaign: Campaign, rows, seed: int) -> World:
        key = f"campaign {campaign.pk}"
        if key not in self._worlds:
            self._worlds[key] = World.of(campaign, truth_of(campaign, rows), seed)
        world = self._worlds[key]
        assert world is not None
        return world

    def bill(self) -> Bill:
        """What has been paid so far; answers count when they are handed in."""
        rewards, bonuses = (
            [paid for paid in self.market.payments if paid.kind == kind]
            for kind in ("reward", "bonus")
        )
        handed_in = [
            assignment
            for hit in self.market.hits.values()
            for assignment in hit.assignments
            if assignment.submitted is not None
        ]
        ids = {hit.id: self.market.public_id(hit) for hit in self.market.hits.values()}
        seconds = dict(
            HIT.objects.filter(public_id__in=set(ids.values())).values_list(
                "public_id", "expected_seconds"
            )
        )
        return Bill(
            hits=len(self.market.hits),
            answers=len(handed_in),
            rewards=sum((paid.amount for paid in rewards), Decimal(0)),
            bonuses=sum((paid.amount for paid in bonuses), Decimal(0)),
            fees=sum((paid.fee for paid in self.market.payments), Decimal(0)),
            hours=sum(seconds.get(ids[done.hit.id], 0.0) for done in handed_in) / 3600,
            workers=len({done.worker for done in handed_in}),
        )


@contextlib.contextmanager
def stage(faults: Faults | None = None, seed: int = 0, port: int = 0) -> Iterator[Stage]:
    """Run the stand-in on this machine until the block ends; OSError: the port is taken."""
    with serving(Market(), faults, seed, port) as server:
        yield Stage(server)


def play(
    on: Stage,
    campaign: Campaign,
    people: Crew,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Publish the campaign and play it to its end: every pair judged, everything reviewed.

    New workers come when the present ones have done all they may. `progress` is called with the
    number of answers handed in since its last call. Raises Stalled, and as publish and sync do.
    """
    if campaign.state == State.DRAFT:
        publish(campaign, WHO)
    sync(campaign, patience=None)
    idle = hired = 0
    while campaign.state == State.OPEN:
        done = people.work(progress)
        synced = sync(campaign, patience=None)
        news = done or synced.fetched or synced.opened_round or synced.paid
        idle = 0 if news else idle + 1
        if idle < IDLE:
            continue
        if hired >= MOST_HIRED:
            raise Stalled(f"campaign {campaign.slug}: {left(on, campaign)}")
        hired += HIRED
        people.hire(HIRED, seed)
        idle = 0
    # Only the clock settles the rest: auto-approval, and expired assignments.
    on.market.clock.move(timedelta(days=campaign.auto_approval_days, hours=1))
    on.market.settle()
    sync(campaign, patience=None)
    campaign.refresh_from_db()


def left(on: Stage, campaign: Campaign) -> str:
    """Where a stalled study stands."""
    unanswered = campaign.places.filter(free_at__isnull=False).count()
    return (
        f"{unanswered} places on the site have no answer, {len(on.market.open_hits())} HITs can be"
        f" accepted on the marketplace, and nobody does"
    )
