"""Review: an answer is accepted; or accepted, set aside and its worker stopped; or rejected.

Locks: worker, campaign, place, assignment, as everywhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from tasks import money
from tasks.crowds import crowd_of
from tasks.models import Assignment, Campaign, Place, Stop, Worker
from tasks.models.assignment import HANDED_IN, MarketState, Outcome
from tasks.models.refused import Refused
from tasks.work.rounds import finish_if_done, free, make_room
from tasks.work.skills import Verdict, careless_workers
from tasks.work.stops import set_aside

BATCH = 500
REVIEW = "review"  # who, in the log
FEEDBACK = (
    "The answers to questions of which the answer is known, or on which other workers agree, were"
    " wrong more often than looking at the pictures would allow ({what})."
)


@dataclass
class Reviewed:
    """What a review came to, in answers; `stopped` in workers."""

    accepted: int = 0
    rejected: int = 0
    set_aside: int = 0
    stopped: int = 0


def to_review(campaign: Campaign) -> QuerySet[Assignment]:
    """Answers that a review has to decide on: on a marketplace those that it has as well.

    Late ones are paid on a marketplace too, though they are not used. What was imported is not
    reviewed here; a stopped worker's is, like any other.
    """
    waiting = Assignment.objects.filter(
        campaign=campaign, outcome=Outcome.NONE, submitted_at__isnull=False, imported=False
    )
    if crowd_of(campaign).accepts_at_once:
        return waiting.filter(state="submitted")
    return waiting.filter(market_state__in=HANDED_IN)


def review(campaign: Campaign) -> Reviewed:
    """Decide on everything that waits and is not a person's to decide.

    Careless workers (skills.py) are stopped first. Their answers not yet accepted are rejected
    where the campaign does so and controls alone say that much; all others are accepted, and so
    paid.
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
    found = assignments.select_for_update(of=("self",)).select_related("hit", "campaign", "worker")
    return found.order_by("pk").iterator()


def _lock(assignment: Assignment) -> tuple[Campaign, list[int], Assignment]:
    """The campaign, the assignment's place (ids: one or none) and itself, locked."""
    Worker.objects.select_for_update().get(pk=assignment.worker_id)
    campaign = Campaign.locked(assignment.campaign_id)
    places = Place.objects.select_for_update().filter(holder=assignment)
    held = [place.pk for place in places]
    locked = next(_locked(Assignment.objects.filter(pk=assignment.pk)))
    locked.campaign = campaign
    return campaign, held, locked


def accept(assignment: Assignment, who: str, why: str = "") -> None:
    """Accept an answer that waits for review, and owe its pay. Raises Refused if it waits not."""
    with transaction.atomic():
        campaign, _, locked = _lock(assignment)
        _check_waiting(locked)
        locked.become(who, why, outcome=Outcome.ACCEPTED)
        money.owe([locked])
    finish_if_done(campaign)


def reject(assignment: Assignment, feedback: str, who: str) -> None:
    """Refuse to pay for an answer that waits for review; its place is free again.

    Raises Refused where the campaign never rejects, without a feedback for the worker, and for an
    answer that was accepted already: money paid is not asked back.
    """
    feedback = feedback.strip()
    with transaction.atomic():
        campaign, held, locked = _lock(assignment)
        if not campaign.rejection:
            raise Refused(f"campaign {campaign.slug} does not reject work (its setting rejection)")
        if not feedback:
            raise Refused("a rejection needs a feedback: the worker reads it")
        _check_waiting(locked)
        record_rejection(campaign, held, locked, feedback, who)


def record_rejection(
    campaign: Campaign, held: list[int], locked: Assignment, feedback: str, who: str
) -> None:
    """An answer was rejected, here or on the marketplace; everything is locked."""
    locked.feedback = feedback
    locked.save(update_fields=["feedback"])
    locked.become(who, feedback, outcome=Outcome.REJECTED)
    free(campaign, Place.objects.filter(pk__in=held), who, "rejected")


def _check_waiting(locked: Assignment) -> None:
    if locked.submitted_at is None:
        raise Refused(f"assignment {locked.key} has no answer to review")
    if locked.outcome != Outcome.NONE or locked.imported:
        was = locked.outcome or "imported"
        raise Refused(f"assignment {locked.key} was {was} already: it does not wait for review")


def overturn(assignment: Assignment, who: str, why: str) -> bool:
    """A rejected answer is accepted after all, and paid. Returns whether it counts again.

    It counts where its HIT still wants an answer and its worker was not stopped. Raises Refused
    where it was not rejected, and where the budget does not carry its pay.
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

    A place that stands before a marketplace cannot be taken back from it, so there the answer does
    not count again, and its pay has to fit beside what is offered.
    """
    taken = None
    offered = crowd_of(campaign).gives_places
    stopped = Stop.objects.filter(campaign=campaign, worker=locked.worker_id).exists()
    if not (stopped or offered or locked.set_aside) and locked.state == "submitted":
        idle = Place.objects.filter(hit=locked.hit_id, free_at__lte=timezone.now())
        taken = idle.select_for_update(of=("self",), skip_locked=True).first()
    if taken is not None:
        taken.holder, taken.free_at = locked, None
        taken.save(update_fields=["holder", "free_at"])
    elif not must:
        price = money.price(campaign, locked.hit)
        fits = not money.over(campaign, price) if offered else make_room(campaign, price)
        if not fits:
            raise Refused(
                f"campaign {campaign.slug}: its budget does not carry the pay of {money.usd(price)}"
            )
    locked.become(who, why, outcome=Outcome.ACCEPTED, set_aside=taken is None)
    money.owe([locked])
    return taken is not None
