"""What the marketplace tells of an assignment, and what is here, made to agree.

Either may come first or alone: an answer here whose submit never arrived there, an assignment there
whose answer is in its own form data only. The marketplace decides what was handed in and paid; the
answer itself is what was stored here, where it was.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tasks import money
from tasks.crowds import MarketAssignment, crowd_of
from tasks.models import HIT, Assignment, Campaign, Payment, Place, Stop, Transition, Worker
from tasks.models.assignment import HANDED_IN, AssignmentState, MarketState, Outcome
from tasks.models.payment import PaymentKind, PaymentState
from tasks.work.claiming import new_assignment
from tasks.work.review import record_overturned, record_rejection
from tasks.work.rounds import free
from tasks.work.submitting import place_for, submit
from tasks.work.take_up import surrender, surrendered

MARKET = "the marketplace"  # who, in the log
BATCH = 200
GRACE = timedelta(minutes=10)  # for an answer on its way from here to the marketplace


def reconcile_all(campaign: Campaign, told: Iterable[MarketAssignment]) -> int:
    """Take in all that the marketplace tells. Returns how much of it was news."""
    coming = iter(told)
    count = 0
    while batch := list(islice(coming, BATCH)):
        taken = _take_plain(campaign, batch)
        count += len(taken)
        count += sum(reconcile(campaign, one) for one in batch if one.key not in taken)
    return count


def _take_plain(campaign: Campaign, told: list[MarketAssignment]) -> set[str]:
    """At once what is nearly all of it: handed in there, answered here by the same worker, no news
    of either before. Returns the keys; what somebody is at just now waits for its own turn.
    """
    workers = {one.key: one.worker for one in told if one.status == MarketState.SUBMITTED}
    with transaction.atomic():
        waiting = Assignment.objects.select_for_update(of=("self",), skip_locked=True).filter(
            campaign=campaign,
            key__in=workers,
            market_state=MarketState.UNREPORTED,
            state=AssignmentState.SUBMITTED,
        )
        plain = [
            one
            for one in waiting.select_related("worker")
            if one.worker.external_id == workers[one.key]
        ]
        Transition.objects.bulk_create(_told_of(one, "submitted") for one in plain)
        Assignment.objects.filter(pk__in=[one.pk for one in plain]).update(
            market_state=MarketState.SUBMITTED
        )
    return {one.key for one in plain}


def _told_of(assignment: Assignment, status: str) -> Transition:
    """The line in the log about what the marketplace says of it."""
    return Transition(
        campaign_id=assignment.campaign_id,
        assignment=assignment,
        subject="on the marketplace",
        before=assignment.market_state,
        after=status,
        who=MARKET,
    )


def reconcile(campaign: Campaign, told: MarketAssignment) -> bool:
    """Take in what the marketplace tells of one assignment. Returns whether that was news."""
    worker = Worker.of(campaign.crowd, told.worker)
    others = Assignment.objects.filter(campaign=campaign, key=told.key).exclude(worker=worker)
    with transaction.atomic():
        ids = {worker.pk, *others.values_list("worker_id", flat=True)}
        list(Worker.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
        for other in others:
            surrender(other)
        there = Assignment.objects.filter(campaign=campaign, key=told.key, worker=worker)
        assignment = there.select_related("hit").first()
        if assignment is not None and assignment.market_state == told.status:
            return False
        if told.status in HANDED_IN:
            if assignment is None:
                assignment = _his_again(campaign, worker, told) or _adopt(campaign, worker, told)
            if assignment.submitted_at is None:
                _take_answer(assignment, told)
        if assignment is None:
            return False
        _take_status(assignment, told)
    return True


def _his_again(campaign: Campaign, worker: Worker, told: MarketAssignment) -> Assignment | None:
    """The assignment of which it seemed that the marketplace had given it to somebody else."""
    assignment = surrendered(campaign, worker.external_id, told.key)
    if assignment is not None:
        assignment.key = told.key
        assignment.save(update_fields=["key"])
    return assignment


def _adopt(campaign: Campaign, worker: Worker, told: MarketAssignment) -> Assignment:
    """An assignment that was never opened here, or was lost here."""
    hit = HIT.objects.get(pk=told.hit_id, campaign=campaign)
    for older in Assignment.objects.filter(hit=hit, worker=worker, state=AssignmentState.OPEN):
        # The marketplace lets a worker have one of a HIT at a time.
        Place.objects.filter(holder=older, free_at__isnull=False).update(
            holder=None, free_at=timezone.now()
        )
        older.become(MARKET, "taken up again under another key", state="returned")
    assignment = new_assignment(campaign, hit, worker, campaign.round, told.key)
    assignment.opened_at = told.accepted_at or assignment.opened_at
    assignment.expires_at = timezone.now()
    if Assignment.objects.filter(hit=hit, worker=worker, state="submitted").exists():
        assignment.state = AssignmentState.EXPIRED  # never twice: this one is paid, and not used
    assignment.save(force_insert=True)
    return assignment


def _take_answer(assignment: Assignment, told: MarketAssignment) -> None:
    """Store the answer that the marketplace's form data carry, or that there is none."""
    answer = dict(told.answer) if told.answer is not None else None
    if answer is not None:
        shown = answer.pop("shown", assignment.shown)
        Assignment.objects.filter(pk=assignment.pk).update(shown=shown)
        submit(assignment, answer)
    else:
        _take_nothing(assignment)
    if told.submitted_at is not None:
        Assignment.objects.filter(pk=assignment.pk).update(submitted_at=told.submitted_at)


def _take_nothing(assignment: Assignment) -> None:
    """Handed in without an answer to its items: it will be paid, and is not used.

    A place of its HIT was used up by it there; `_take_status` frees it.
    """
    campaign = Campaign.locked(assignment.campaign_id)
    place = place_for(assignment, campaign)
    if place is not None:
        place.holder, place.free_at = assignment, timezone.now()
        place.save(update_fields=["holder", "free_at"])
    assignment.submitted_at = timezone.now()
    assignment.unseen = list(assignment.shown)
    assignment.comment = "handed in without an answer"
    if assignment.state != AssignmentState.EXPIRED:
        assignment.become(MARKET, assignment.comment, state="expired", save=False)
    assignment.become(MARKET, assignment.comment, set_aside=True, save=False)
    assignment.save()


def _take_status(assignment: Assignment, told: MarketAssignment) -> None:
    """Write down what became of it there, and draw what follows here."""
    campaign = Campaign.locked(assignment.campaign_id)
    held = [p.pk for p in Place.objects.select_for_update().filter(holder=assignment.pk)]
    locked = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("hit", "worker")
        .get(pk=assignment.pk)
    )
    locked.campaign = campaign
    _told_of(locked, told.status).save()
    locked.market_state = told.status
    locked.save(update_fields=["market_state"])
    if told.status in HANDED_IN and locked.state != AssignmentState.SUBMITTED:
        if not _counts_again(campaign, locked):
            # It costs its pay all the same: the HIT's free places stay as far as the budget goes.
            idle = Q(pk__in=held) | Q(hit=locked.hit_id, free_at__lte=timezone.now())
            free(campaign, Place.objects.filter(idle), MARKET, "paid there, and not used")
        held = []
    if told.status == MarketState.APPROVED:
        _approved(campaign, locked)
    elif told.status == MarketState.REJECTED and locked.outcome == Outcome.NONE:
        feedback = told.feedback or "rejected on the marketplace"
        record_rejection(campaign, held, locked, feedback, MARKET)
    elif (
        told.status in (MarketState.RETURNED, MarketState.EXPIRED)
        and locked.outcome == Outcome.NONE
    ):
        gone(locked, held, MARKET, f"{told.status} there", AssignmentState(told.status))


def _approved(campaign: Campaign, locked: Assignment) -> None:
    """It has been paid there: by us a moment ago, by hand, or by itself when its time was up."""
    if locked.outcome == Outcome.NONE:
        locked.become(MARKET, "approved there", outcome=Outcome.ACCEPTED)
        money.owe([locked])
    elif locked.outcome == Outcome.REJECTED:
        record_overturned(campaign, locked, MARKET, "approved there", must=True)
    mark_paid(locked, "")


def mark_paid(assignment: Assignment, market_ref: str) -> None:
    """Base pay and its fee have gone out."""
    Payment.objects.filter(
        Q(kind=PaymentKind.BASE) | Q(request_key=f"fee-base-{assignment.pk}"),
        assignment=assignment,
        state=PaymentState.DUE,
    ).update(state=PaymentState.PAID, paid_at=timezone.now(), market_ref=market_ref)


def gone(locked: Assignment, held: list[int], who: str, why: str, state: AssignmentState) -> None:
    """Work that has come to nothing there: its place is free, its answer (if any) not used."""
    Place.objects.filter(pk__in=held).update(holder=None, free_at=timezone.now())
    if locked.state != state:
        locked.become(who, why, state=state)


def _counts_again(campaign: Campaign, locked: Assignment) -> bool:
    """An answer that was too late here, or seemed lost, counts if its HIT still wants one (rule 5).

    The campaign and the worker are locked.
    """
    if locked.set_aside or locked.outcome != Outcome.NONE:
        return False
    if Stop.objects.filter(campaign=campaign, worker=locked.worker_id).exists():
        return False
    place = place_for(locked, campaign)
    if place is None:
        return False
    place.holder, place.free_at = locked, None
    place.save(update_fields=["holder", "free_at"])
    locked.become(MARKET, "handed in there, and still wanted", state=AssignmentState.SUBMITTED)
    return True


def count_again(campaign: Campaign) -> int:
    """The same for all that the marketplace has told of, once everything was told. How many."""
    waiting = Assignment.objects.filter(
        campaign=campaign,
        state__in=[AssignmentState.EXPIRED, AssignmentState.RETURNED],
        market_state=MarketState.SUBMITTED,
        submitted_at__isnull=False,
        outcome=Outcome.NONE,
        set_aside=False,
        imported=False,
    )
    count = 0
    for pk, worker in list(waiting.order_by("submitted_at").values_list("pk", "worker_id")):
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=worker)
            locked = Campaign.locked(campaign.pk)
            assignment = waiting.filter(pk=pk).select_related("hit", "worker").first()
            count += assignment is not None and _counts_again(locked, assignment)
    return count


def expire(campaign: Campaign, fetched_at: datetime | None) -> int:
    """Say of assignments whose time is over that they have expired. Returns how many.

    On a marketplace also of answers here that were never handed in there: `fetched_at` is when a
    fetch began that has told of everything, None where there was none.
    """
    now = timezone.now()
    lapsed = Q(state=AssignmentState.OPEN, expires_at__lt=now)
    if fetched_at is not None and not crowd_of(campaign).accepts_at_once:
        lapsed |= Q(
            state=AssignmentState.SUBMITTED,
            outcome=Outcome.NONE,
            imported=False,
            market_state=MarketState.UNREPORTED,
            expires_at__lt=fetched_at - GRACE,
            submitted_at__lt=fetched_at - GRACE,
        )
    ids = list(Assignment.objects.filter(lapsed, campaign=campaign).values_list("pk", "worker_id"))
    count = 0
    for pk, worker in ids:
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=worker)
            places = Place.objects.select_for_update().filter(holder=pk)
            held = [place.pk for place in places]
            found = Assignment.objects.select_for_update().filter(lapsed, pk=pk).first()
            if found is None:  # answered, renewed, or told of meanwhile
                continue
            answered = found.submitted_at is not None
            why = "never handed in on the marketplace" if answered else "its time is over"
            gone(found, held, "the clock", why, AssignmentState.EXPIRED)
            count += 1
    return count
