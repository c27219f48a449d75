"""Review accepts or rejects answers, and sets careless workers aside.

Order of locks: worker, campaign, place, assignment, as everywhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from imagesets.clock import Now
from tasks import money
from tasks.crowds import CROWDS, crowd_named, crowd_of
from tasks.models import Assignment, Campaign, Place, Stop, Worker
from tasks.models.assignment import HANDED_IN, AssignmentState, MarketState, Outcome
from tasks.models.refused import Refused
from tasks.models.session import MarketStatus
from tasks.work.rounds import finish_if_done, free, make_room
from tasks.work.skills import Verdict, careless_workers
from tasks.work.stops import set_aside

OF_A_SESSION = Q(state="submitted", session__market_state=MarketStatus.SUBMITTED)
BATCH = 500
REVIEW = "review"  # who, in the log
FEEDBACK = (
    "Your answers to questions whose answer is known, or on which other workers agree, were wrong"
    " more often than they could be if you had looked at the pictures ({what})."
)


@dataclass
class Reviewed:
    """How many answers a review decided; `stopped` counts workers."""

    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0
    stopped: int = 0


def to_review(campaign: Campaign) -> QuerySet[Assignment]:
    """Answers that wait for a decision; on a marketplace those that it has, late ones included.

    Of sessions that a marketplace pays only those kept for a person: it decides the rest (rule S6).
    Late answers are paid on a marketplace but not used. Imported answers are not reviewed; those of
    workers set aside are.
    """
    waiting = Assignment.objects.filter(
        campaign=campaign, outcome=Outcome.NONE, submitted_at__isnull=False, imported=False
    )
    if crowd_of(campaign).accepts_at_once:
        return waiting.filter(state="submitted")
    if crowd_of(campaign).session_market is not None:
        return waiting.filter(OF_A_SESSION, for_person=True)
    return waiting.filter(market_state__in=HANDED_IN)


def kept_for_a_person(campaigns: Iterable[int]) -> dict[int, int]:
    """How many answers wait until a person has looked at them, by the campaign's id."""
    at_once = [name for name in CROWDS if crowd_named(name).accepts_at_once]
    waiting = Assignment.objects.filter(
        Q(state=AssignmentState.SUBMITTED, campaign__crowd__in=at_once)
        | Q(market_state__in=HANDED_IN)
        | OF_A_SESSION,
        campaign__in=campaigns,
        for_person=True,
        outcome=Outcome.NONE,
        imported=False,
    )
    return dict(waiting.order_by().values_list("campaign").annotate(Count("pk")))


def review(campaign: Campaign) -> Reviewed:
    """Decide on all waiting answers but those kept for a person (rules M1, M2).

    Sets careless workers aside first (rule K10), then rejects their waiting answers if the campaign
    rejects and strong controls alone show the carelessness (rule K11). Accepts all other answers,
    which owes their pay.
    """
    done = Reviewed()
    verdicts = careless_workers(campaign, to_review(campaign))
    for verdict in verdicts.values():
        worker = Worker.objects.get(pk=verdict.worker_id)
        if not Stop.objects.filter(campaign=campaign, worker=worker).exists():
            done.set_aside += set_aside(campaign, worker, verdict.reason, REVIEW)
            done.stopped += 1
    waiting = to_review(campaign).filter(for_person=False)
    for assignment in waiting.filter(_rejectable(campaign, verdicts)):
        verdict = verdicts[assignment.worker_id]
        reject(assignment, FEEDBACK.format(what=verdict.reason), REVIEW)
        done.rejected += 1
    ids = list(waiting.exclude(market_state=MarketState.REJECTED).values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        done.accepted += _accept_all(ids[start : start + BATCH])
    finish_if_done(Campaign.objects.get(pk=campaign.pk))
    return done


def _rejectable(campaign: Campaign, verdicts: dict[int, Verdict]) -> Q:
    workers = [v.worker_id for v in verdicts.values() if v.may_be_rejected and campaign.rejection]
    return Q(worker__in=workers) & ~Q(market_state=MarketState.APPROVED)


def _accept_all(ids: Iterable[int]) -> int:
    with transaction.atomic():
        accepted = list(_locked(Assignment.objects.filter(pk__in=ids, outcome=Outcome.NONE)))
        for assignment in accepted:
            assignment.become(REVIEW, outcome=Outcome.ACCEPTED)
        money.owe(accepted)
    return len(accepted)


def _locked(assignments: QuerySet[Assignment]) -> Iterator[Assignment]:
    locked = assignments.select_for_update(of=("self",)).select_related("hit", "campaign", "worker")
    return locked.order_by("pk").iterator()


def _lock(assignment: Assignment) -> tuple[Campaign, list[int], Assignment]:
    """Lock and return the campaign, the ids of the assignment's place (one or none), and itself."""
    Worker.objects.select_for_update().get(pk=assignment.worker_id)
    campaign = Campaign.locked(assignment.campaign_id)
    places = Place.objects.select_for_update().filter(holder=assignment)
    held = [place.pk for place in places]
    locked = next(_locked(Assignment.objects.filter(pk=assignment.pk)))
    locked.campaign = campaign
    return campaign, held, locked


def accept(assignment: Assignment, who: str, why: str = "") -> None:
    """Accept an answer and owe its pay. Raises Refused unless it waits for review."""
    with transaction.atomic():
        campaign, _, locked = _lock(assignment)
        _check_waiting(locked)
        locked.become(who, why, outcome=Outcome.ACCEPTED)
        money.owe([locked])
    finish_if_done(campaign)


def reject(assignment: Assignment, feedback: str, who: str) -> None:
    """Refuse to pay for an answer that waits for review, and free its place.

    Raises Refused if the campaign never rejects, without feedback for the worker, and unless the
    answer waits for review: money paid is not asked back.
    """
    feedback = feedback.strip()
    with transaction.atomic():
        campaign, held, locked = _lock(assignment)
        if not campaign.rejection:
            raise Refused(f"campaign {campaign.slug} does not reject work (its setting rejection)")
        if not feedback:
            raise Refused("a rejection needs feedback: the worker reads it")
        _check_waiting(locked)
        record_rejection(campaign, held, locked, feedback, who)


def record_rejection(
    campaign: Campaign, held: list[int], locked: Assignment, feedback: str, who: str
) -> None:
    """Record a rejection made on the site or on the marketplace; the caller holds all locks."""
    locked.feedback = feedback
    locked.save(update_fields=["feedback"])
    locked.become(who, feedback, outcome=Outcome.REJECTED)
    free(campaign, Place.objects.filter(pk__in=held), who, "rejected")


def _check_waiting(locked: Assignment) -> None:
    if locked.submitted_at is None:
        raise Refused(f"assignment {locked.key} has no answer to review")
    if locked.outcome != Outcome.NONE or locked.imported:
        was = locked.outcome or "imported"
        raise Refused(f"assignment {locked.key} does not wait for review: it was {was} already")
    at_once = crowd_of(locked.campaign).accepts_at_once
    of_session = Assignment.objects.filter(OF_A_SESSION, pk=locked.pk)
    if not at_once and locked.market_state not in HANDED_IN and not of_session.exists():
        raise Refused(
            f"assignment {locked.key} does not wait for review yet: the next sync will say whether"
            " it was handed in on the marketplace"
        )


def overturn(assignment: Assignment, who: str, why: str) -> bool:
    """Accept a rejected answer after all, and owe its pay. Returns whether it counts again.

    On the site it counts if its HIT still wants an answer and its worker is not set aside (rule
    M3). Raises Refused if it was not rejected, or if the budget does not carry its pay.
    """
    with transaction.atomic():
        campaign, _, locked = _lock(assignment)
        if locked.outcome != Outcome.REJECTED or locked.imported:
            raise Refused(f"assignment {locked.key} was not rejected")
        counts = record_overturned(campaign, locked, who, why, must=False)
    finish_if_done(campaign)
    return counts


def record_overturned(
    campaign: Campaign, locked: Assignment, who: str, why: str, must: bool
) -> bool:
    """Accept a rejected answer. `must`: the marketplace has paid it, whatever the budget says.

    A place offered on a marketplace cannot be taken back, so there the answer does not count again,
    and its pay must fit the budget beside what is offered (rule M3).
    """
    place = None
    offered = crowd_of(campaign).gives_places
    stopped = Stop.objects.filter(campaign=campaign, worker=locked.worker_id).exists()
    if not (stopped or offered or locked.set_aside) and locked.state == "submitted":
        idle = Place.objects.filter(hit=locked.hit_id, free_at__lte=Now())
        place = idle.select_for_update(of=("self",), skip_locked=True).first()
    if place is not None:
        place.holder, place.free_at = locked, None
        place.save(update_fields=["holder", "free_at"])
    elif not must:
        price = money.price(campaign, locked.hit)
        fits = not money.over(campaign, price) if offered else make_room(campaign, price)
        if not fits:
            raise Refused(
                f"campaign {campaign.slug}: its budget does not carry the pay of"
                f" {campaign.as_money(price)}"
            )
    locked.become(who, why, outcome=Outcome.ACCEPTED, set_aside=place is None)
    money.owe([locked])
    return place is not None
