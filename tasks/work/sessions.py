"""A session from its first HIT to its end: what it still gives, how it ends, what is owed for it.

Rules S1 to S6. Whatever changes how a session stands holds the lock on its worker's row, so its own
row is written last: worker, campaign, place, assignment, draft, session. Each step is one
transaction and says what should be, so a process may die between any two of them: the worker's next
visit, or the next sync, goes on from there.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Greatest

from imagesets.clock import Now
from tasks import money
from tasks.crowds import crowd_of
from tasks.models import HIT, Assignment, Campaign, Place, Session, Worker
from tasks.models.assignment import AssignmentState, Outcome
from tasks.models.campaign import State
from tasks.models.session import MAY_BE_PAID, SessionOutcome
from tasks.work.drafts import forget

IDLE = timedelta(minutes=30)  # how long a session is kept for its worker without a sign of life
LEFT_AFTER = timedelta(hours=1)  # after that, until it counts as left
SITE = "the site"  # who, in the log

DONE = Q(state=AssignmentState.SUBMITTED)
RUNNING = Q(state=AssignmentState.OPEN, expires_at__gt=Now())


@dataclass(frozen=True)
class Progress:
    """Where a session stands: HITs answered of those that make it full, and beyond it."""

    answered: int
    hits: int
    extra: int = 0
    earned: Decimal = Decimal(0)  # by the extra ones

    @property
    def is_full(self) -> bool:
        return self.answered >= self.hits


def running_session(campaign: Campaign, worker: Worker) -> Session | None:
    """The session that the worker is in; None: they are in none, or work is not paid by it."""
    if not crowd_of(campaign).pays_by_session:
        return None
    found = Session.objects.filter(campaign=campaign, worker=worker)
    return found.filter(outcome=SessionOutcome.RUNNING).first()


def last_session(campaign: Campaign, worker: Worker) -> Session | None:
    """The session that the worker is in, or the one that they were in last."""
    if not crowd_of(campaign).pays_by_session:
        return None
    found = Session.objects.filter(campaign=campaign, worker=worker)
    return found.order_by(F("ended_at").desc(nulls_first=True)).first()


def progress_of(session: Session) -> Progress:
    """Where it stands now."""
    extra = Q(is_extra=True)
    done = session.assignments.filter(DONE).aggregate(
        answered=Count("pk", filter=~extra),
        extra=Count("pk", filter=extra),
        earned=Sum("hit__reward", filter=extra, default=Decimal(0)),
    )
    return Progress(hits=session.hits, **done)


def may_do(campaign: Campaign, worker: Worker) -> int:
    """How many more HITs `max_share_per_worker` lets the worker do (rule S3)."""
    hits = HIT.objects.filter(campaign=campaign).count()
    most = max(int(campaign.max_share_per_worker * hits), campaign.session_hits or 1)
    done = Assignment.objects.filter(DONE | RUNNING, campaign=campaign, worker=worker)
    return max(most - done.count(), 0)


def may_begin_another(campaign: Campaign, worker: Worker) -> bool:
    """Whether the worker's share carries one more session; a first one always is carried."""
    earlier = Session.objects.filter(campaign=campaign, worker=worker, outcome=SessionOutcome.DONE)
    return not earlier.exists() or may_do(campaign, worker) >= (campaign.session_hits or 1)


def hold(session: Session) -> bool:
    """Keep the session, and the money for it, for its worker from now on.

    False: nothing of it is answered, it was not kept, and the budget carries it no longer. The
    caller holds the lock on the worker's row.
    """
    if not (session.is_test or is_held(session)):
        campaign = Campaign.locked(session.campaign_id)
        if money.beyond(campaign, money.price_of(campaign, session.reward)):
            return False
    _keep(session)
    return True


def is_held(session: Session) -> bool:
    """Whether the budget holds its pay; none of it is in the ledger yet."""
    kept = Session.objects.filter(Q(kept_until__gt=Now()) | MAY_BE_PAID, pk=session.pk)
    return kept.exists() or session.assignments.filter(DONE | RUNNING).exists()


def _keep(session: Session) -> None:
    kept = Session.objects.filter(pk=session.pk)
    kept.update(kept_until=Greatest(F("kept_until"), Now() + IDLE))


def keep_with(assignment: Assignment) -> None:
    """Keep the session of an open HIT as long as that is kept."""
    if assignment.session_id is not None:
        kept = Session.objects.filter(pk=assignment.session_id)
        kept.update(kept_until=Greatest(F("kept_until"), assignment.expires_at))


def takes_more(session: Session) -> bool:
    """Whether its worker gets a further HIT of the session itself."""
    busy = session.assignments.filter(DONE | RUNNING, is_extra=False).count()
    return session.is_running and busy < session.hits


def may_continue(campaign: Campaign, session: Session) -> bool:
    """Whether the worker of a full session may do one more HIT for a bonus, if there is one.

    Says nothing of the budget and of free places: see `next_assignment`.
    """
    return (
        campaign.continue_for_bonus
        and session.is_running
        and progress_of(session).is_full
        and may_do(campaign, session.worker) > 0
    )


def bonus_fits(campaign: Campaign, session: Session, hit: HIT) -> bool:
    """Whether the budget carries the bonus for a HIT beyond a session; campaign: locked."""
    price = money.price(campaign, hit)
    return session.is_test or not money.beyond(campaign, price, beside_offers=True)


class Standing:
    """What a stored answer is to its session."""

    PART = "part of it"
    EXTRA = "beyond it"
    TOO_LATE = "too late"


def standing_of(assignment: Assignment, session: Session, campaign: Campaign) -> str:
    """What an answer that has just come is to its session (rule S5); may lock the campaign.

    TOO_LATE: the session has ended, or the budget carries its pay or the bonus no longer.
    """
    if not session.is_running or not hold(session):
        return Standing.TOO_LATE
    others = session.assignments.exclude(pk=assignment.pk)
    if not assignment.is_extra:
        if others.filter(DONE | RUNNING, is_extra=False).count() < session.hits:
            return Standing.PART
    elif Assignment.objects.filter(RUNNING, pk=assignment.pk).exists():
        return Standing.EXTRA  # its bonus is held for it
    locked = Campaign.locked(campaign.pk)
    fits = bonus_fits(locked, session, assignment.hit)
    return Standing.EXTRA if fits else Standing.TOO_LATE


def end(session: Session, outcome: str, who: str, why: str = "") -> Session:
    """End a running session; one that has ended stays as it is. Returns it as it is now.

    HITs that are open in it are free again. Where nobody else has to decide, what it is owed goes
    into the ledger at once.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=session.worker_id)
        session = Session.objects.select_related("campaign", "worker").get(pk=session.pk)
        if not session.is_running:
            return session
        for assignment in session.assignments.filter(state=AssignmentState.OPEN):
            _take_back(assignment, who)
        session.become(outcome, who, why)
        if crowd_of(session.campaign).accepts_at_once:
            settle(session)
        return session


def end_unbegun(session: Session, outcome: str, who: str) -> Session:
    """End a session of which nothing was opened; one that is under way goes on."""
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=session.worker_id)
        if session.assignments.exists() or session.practice_tries.exists():
            return session
        return end(session, outcome, who)


def _take_back(assignment: Assignment, who: str) -> None:
    places = Place.objects.select_for_update().filter(holder=assignment)
    held = [place.pk for place in places]
    locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
    Place.objects.filter(pk__in=held).update(holder=None, free_at=Now())
    locked.become(who, "its session has ended", state=AssignmentState.RETURNED)
    forget(locked)


def end_as_it_stands(session: Session, who: str, why: str = "") -> Session:
    """End a session that gets no more work, through no choice of its worker's (rule S4).

    Whoever has answered a part of it has done what there was: it is paid as a whole.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=session.worker_id)
        answered = session.assignments.filter(DONE).exists()
        outcome = SessionOutcome.DONE if answered else SessionOutcome.NO_WORK
        return end(session, outcome, who, why)


def settle(session: Session) -> None:
    """Put what a session that has ended is owed into the ledger, once.

    The caller holds the lock on its worker's row, and has read the session under it.
    Done: its base pay. Else what its finished HITs are worth, where the crowd pays parts. Extra
    HITs and practice are owed as they are accepted.
    """
    if session.settled_at is not None or session.is_running:
        return
    if session.outcome == SessionOutcome.DONE:
        money.owe_session(session)
    elif crowd_of(session.campaign).pays_parts(session.campaign):
        answers = session.assignments.filter(DONE, is_extra=False)
        worth = answers.exclude(outcome=Outcome.REJECTED).aggregate(sum=Sum("hit__reward"))["sum"]
        money.owe_part(session, worth or Decimal(0))
    session.settled_at = Now()
    session.save(update_fields=["settled_at"])
    session.refresh_from_db(fields=["settled_at"])


def end_idle(campaign: Campaign) -> int:
    """End sessions whose workers have long gone: done where full, else left. Returns how many.

    Where the campaign was closed meanwhile, it is that which kept them from going on (S4).
    Where a marketplace ends sessions, it decides about those that are not full.
    """
    if not crowd_of(campaign).pays_by_session:
        return 0
    idle = Session.objects.filter(
        campaign=campaign, outcome=SessionOutcome.RUNNING, kept_until__lt=Now() - LEFT_AFTER
    )
    by_clock = crowd_of(campaign).session_market is None
    count = 0
    for session in idle.select_related("worker"):
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=session.worker_id)
            if not idle.filter(pk=session.pk).exists():  # they came back a moment ago
                continue
            if progress_of(session).is_full:
                end(session, SessionOutcome.DONE, "the clock", "full, and its worker is gone")
            elif by_clock and campaign.state == State.CLOSED:
                end_as_it_stands(session, "the clock", "the study has ended")
            elif by_clock:
                end(session, SessionOutcome.LEFT, "the clock", "its worker is gone")
            else:
                continue
            count += 1
    return count
