"""A study of sessions played through on the stand-in for Prolific, until it has its answers."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import F

from imagesets.clock import Now
from tasks.campaigns.publish import publish
from tasks.crowds import CrowdError
from tasks.market.sync import sync
from tasks.market.synced import Synced
from tasks.models import HIT, Assignment, Campaign, Place
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.models.refused import Refused
from tasks.simulation.rehearsal.faults import Faults
from tasks.simulation.rehearsal.prolific.market import Features, ProlificMarket
from tasks.simulation.rehearsal.prolific.people import (
    ParticipantCrew,
    SessionHabits,
    participants,
)
from tasks.simulation.rehearsal.prolific.records import PAID, RUNNING
from tasks.simulation.rehearsal.prolific.server import ProlificServer, serving_prolific
from tasks.simulation.rehearsal.stage import IDLE, WHO, Bill, Stalled
from tasks.simulation.workers import World, truth_of

TOKEN = "rehearsal"
HIRED, MOST_HIRED = 10, 400
MOST_SYNCS, LAST_SYNCS = 30, 10


class ProlificStage:
    """The running stand-in, and the site's settings pointed at it."""

    def __init__(self, server: ProlificServer) -> None:
        self.server, self.market = server, server.market
        self.address = server.address
        self.environment = {"PROLIFIC_API_URL": self.address, "PROLIFIC_API_TOKEN": TOKEN}
        self._worlds: dict[str, World | None] = {}

    @contextlib.contextmanager
    def site(self, public_url: str) -> Iterator[None]:
        """Let this process use the stand-in as Prolific; participants come to `public_url`."""
        names = ("PROLIFIC_API_URL", "PROLIFIC_API_TOKEN", "PUBLIC_URL")
        before = {name: getattr(settings, name) for name in names}
        settings.PROLIFIC_API_URL, settings.PROLIFIC_API_TOKEN = self.address, TOKEN
        settings.PUBLIC_URL = public_url
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(settings, name, value)

    def crew(
        self,
        people: int,
        seed: int = 0,
        truth: Iterable[Mapping[str, str]] | None = None,
        habits: SessionHabits | None = None,
        careless: int = 1,
        pictures: bool = True,
    ) -> ParticipantCrew:
        """Simulated participants for every campaign whose study appears on the stand-in."""
        rows = None if truth is None else list(truth)

        def world_of(public_id: str) -> World | None:
            if public_id not in self._worlds:
                campaign = Campaign.objects.filter(public_id=public_id).first()
                self._worlds[public_id] = (
                    None if campaign is None else World.of(campaign, truth_of(campaign, rows), seed)
                )
            return self._worlds[public_id]

        crew = participants(people, seed, careless)
        return ParticipantCrew(self.market, crew, world_of, habits, pictures)

    def bill(self) -> Bill:
        """What has been paid so far."""
        market = self.market
        sums = {
            kind: sum(payment.amount for payment in market.payments if payment.kind == kind)
            for kind in ("reward", "bonus")
        }
        done = [s for s in market.submissions.values() if s.status in PAID]
        minutes = sum(s.study.fields["estimated_completion_time"] for s in done)
        campaigns = {study.fields.get("metadata") for study in market.studies.values()}
        answers = Assignment.objects.filter(
            campaign__public_id__in=campaigns, state=AssignmentState.SUBMITTED
        )
        return Bill(
            hits=HIT.objects.filter(campaign__public_id__in=campaigns).count(),
            answers=answers.count(),
            rewards=Decimal(sums["reward"]) / 100,
            bonuses=Decimal(sums["bonus"]) / 100,
            fees=Decimal(sum(payment.fee + payment.vat for payment in market.payments)) / 100,
            hours=minutes / 60,
            workers=len({s.participant for s in done}),
            sessions=len(done),
        )


@contextlib.contextmanager
def prolific_stage(
    faults: Faults | None = None,
    seed: int = 0,
    port: int = 0,
    currency: str = "USD",
    features: Features | None = None,
) -> Iterator[ProlificStage]:
    """Run the stand-in on this machine until the block ends; OSError: the port is taken."""
    market = ProlificMarket(currency=currency, features=features)
    with serving_prolific(market, faults, seed, port, TOKEN) as server:
        yield ProlificStage(server)


def play_sessions(
    on: ProlificStage,
    campaign: Campaign,
    people: ParticipantCrew,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Publish the campaign and play it to its end: every pair judged, everybody paid.

    New people come when the present ones have done all they may. Raises Stalled, and as publish
    and sync do.
    """
    if campaign.state == State.DRAFT:
        _publish(campaign)
    _sync(campaign)
    hired = 0
    while campaign.state == State.OPEN:
        hired = _while_open(on, campaign, people, seed, progress, hired)
        _until_paid(campaign, people)  # a part that is not paid opens it again


def _while_open(
    on: ProlificStage,
    campaign: Campaign,
    people: ParticipantCrew,
    seed: int,
    progress: Callable[[int], None] | None,
    hired: int,
) -> int:
    """Let people work, and sync, until nothing is left to do. Returns how many were hired."""
    idle = 0
    while campaign.state == State.OPEN:
        done = people.work(progress)
        synced = _sync(campaign)
        news = done or synced.fetched or synced.opened_round or synced.paid
        idle = 0 if news else idle + 1
        if any(s.status in RUNNING for s in on.market.submissions.values()):
            pass_time(campaign, people.let_time_pass())
        if idle < IDLE:
            continue
        if people.let_reviews_end():
            idle = 0
            continue
        if hired >= MOST_HIRED:
            raise Stalled(f"campaign {campaign.slug}: {left(on, campaign)}")
        hired += HIRED
        people.hire(HIRED, seed)
        idle = 0
    return hired


def _until_paid(campaign: Campaign, people: ParticipantCrew) -> None:
    """Sync until everybody is paid: bonuses arrive a moment later, and some are asked back."""
    pass_time(campaign, people.let_time_pass())
    for _ in range(LAST_SYNCS):
        _sync(campaign)
        people.work()
        campaign.refresh_from_db()
        if people.let_reviews_end():
            continue
        if not campaign.payments.filter(state="due").exists():
            break
        pass_time(campaign, people.let_time_pass())


def _publish(campaign: Campaign) -> None:
    """Publish it; what Prolific was not told the next sync tells. Raises Refused."""
    try:
        publish(campaign, WHO)
    except Refused:
        campaign.refresh_from_db()
        if campaign.state == State.DRAFT:
            raise


def _sync(campaign: Campaign) -> Synced:
    """Sync, and again where something goes wrong, as the queue does. Raises CrowdError."""
    for _ in range(MOST_SYNCS):
        try:
            return sync(campaign, patience=None)
        except CrowdError as error:
            last = error
    raise last


def pass_time(campaign: Campaign, by: timedelta) -> None:
    """Let so much time pass on the site too, for whatever it keeps for somebody who is gone."""
    assignments = Assignment.objects.filter(campaign=campaign, state=AssignmentState.OPEN)
    assignments.update(expires_at=F("expires_at") - by)
    Place.objects.filter(campaign=campaign, free_at__gt=Now()).update(free_at=F("free_at") - by)
    sessions = campaign.sessions.filter(settled_at=None)
    sessions.update(kept_until=F("kept_until") - by)


def left(on: ProlificStage, campaign: Campaign) -> str:
    """Where a stalled study stands."""
    unanswered = campaign.places.filter(free_at__isnull=False).count()
    free = sum(study.places - study.taken for study in on.market.open_studies())
    return (
        f"{unanswered} places on the site have no answer, {free} can be taken at Prolific, and"
        " nobody does"
    )
