"""Makes the site's assignments agree with the marketplace's.

Each side may know of one first, or alone: the site may hold an answer whose submit never reached
the marketplace, the marketplace an assignment whose answer is only in its own form data. The
marketplace decides what was handed in and paid; the answer is the one that the site stored, if any.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Q

from imagesets.clock import Now, database_now
from tasks import money
from tasks.crowds import MarketAssignment, crowd_of
from tasks.market.gone import lost_hits
from tasks.models import HIT, Assignment, Campaign, Payment, Place, Stop, Transition, Worker
from tasks.models.assignment import HANDED_IN, AssignmentState, MarketState, Outcome
from tasks.models.payment import PaymentState, with_surcharges
from tasks.work.claiming import new_assignment
from tasks.work.review import record_overturned, record_rejection
from tasks.work.rounds import free
from tasks.work.submitting import place_for, submit
from tasks.work.take_up import claim_of, set_back, surrender

MARKET = "the marketplace"  # who, in the log
BATCH = 200
GRACE = timedelta(minutes=10)  # for an answer on its way from the site to the marketplace


def reconcile_all(campaign: Campaign, reports: Iterable[MarketAssignment]) -> int:
    """Take in all that the marketplace reports. Returns how many reports were news."""
    remaining = iter(reports)
    count = 0
    while batch := list(islice(remaining, BATCH)):
        taken = _take_plain(campaign, batch)
        count += len(taken)
        count += sum(reconcile(campaign, report) for report in batch if report.key not in taken)
    return count


def _take_plain(campaign: Campaign, reports: list[MarketAssignment]) -> set[str]:
    """Take in, all at once, first reports of an answer that the site has from the same worker.

    Nearly all reports are such. Returns the keys taken in; a row that somebody has locked is left
    to `reconcile`.
    """
    workers = {
        report.key: report.worker for report in reports if report.status == MarketState.SUBMITTED
    }
    with transaction.atomic():
        waiting = Assignment.objects.select_for_update(of=("self",), skip_locked=True).filter(
            campaign=campaign,
            key__in=workers,
            market_state=MarketState.UNREPORTED,
            state=AssignmentState.SUBMITTED,
        )
        plain = [
            assignment
            for assignment in waiting.select_related("worker")
            if assignment.worker.external_id == workers[assignment.key]
        ]
        Transition.objects.bulk_create(_log_entry(a, MarketState.SUBMITTED) for a in plain)
        Assignment.objects.filter(pk__in=[a.pk for a in plain]).update(
            market_state=MarketState.SUBMITTED
        )
    return {assignment.key for assignment in plain}


def _log_entry(assignment: Assignment, status: str) -> Transition:
    """The line in the log about what the marketplace says of it."""
    return Transition(
        campaign_id=assignment.campaign_id,
        assignment=assignment,
        subject="on the marketplace",
        before=assignment.market_state,
        after=status,
        who=MARKET,
    )


def reconcile(campaign: Campaign, report: MarketAssignment) -> bool:
    """Take in what the marketplace reports of one assignment. Returns whether it was news."""
    worker = Worker.of(campaign.crowd, report.worker)
    same_key = Assignment.objects.filter(campaign=campaign, key=report.key)
    others = same_key.exclude(worker=worker, hit=report.hit_id)
    with transaction.atomic():
        ids = {worker.pk, *others.values_list("worker_id", flat=True)}
        list(Worker.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
        for other in others:
            surrender(other, told=report.status in HANDED_IN)
        assignment = same_key.filter(worker=worker, hit=report.hit_id).select_related("hit").first()
        if assignment is not None and assignment.market_state == report.status:
            return False
        if report.status in HANDED_IN:
            if assignment is None:
                restored = _restore_key(campaign, worker, report)
                assignment = restored or _adopt(campaign, worker, report)
            if assignment.submitted_at is None:
                _take_answer(assignment, report)
        if assignment is None:
            return False
        _take_status(assignment, report)
    return True


def _restore_key(campaign: Campaign, worker: Worker, report: MarketAssignment) -> Assignment | None:
    """Give its key back to an assignment that seemed to have gone to another worker, if any."""
    hit = HIT.objects.select_related("campaign").get(pk=report.hit_id, campaign=campaign)
    assignment = claim_of(hit, worker.external_id, report.key)
    if assignment is not None:
        assignment.hit = hit
        assignment.key = report.key
        assignment.save(update_fields=["key"])
    return assignment


def _adopt(campaign: Campaign, worker: Worker, report: MarketAssignment) -> Assignment:
    """Create the site's row of an assignment that it has never opened, or has lost."""
    hit = HIT.objects.get(pk=report.hit_id, campaign=campaign)
    set_back(Assignment.objects.filter(hit=hit, worker=worker), MARKET)
    now = database_now()
    assignment = new_assignment(campaign, hit, worker, campaign.round, now, key=report.key)
    assignment.opened_at = report.accepted_at or assignment.opened_at
    assignment.expires_at = now
    if Assignment.objects.filter(hit=hit, worker=worker, state="submitted").exists():
        assignment.state = AssignmentState.EXPIRED  # never twice (rule P4): paid but not used
    assignment.save(force_insert=True)
    return assignment


def _take_answer(assignment: Assignment, report: MarketAssignment) -> None:
    """Store the answer in the marketplace's form data, or record that there is none."""
    answer = dict(report.answer) if report.answer is not None else None
    if answer is not None:
        shown = answer.pop("shown", assignment.shown)
        Assignment.objects.filter(pk=assignment.pk).update(shown=shown)
        submit(assignment, answer)
    else:
        _take_nothing(assignment)
    if report.submitted_at is not None:
        Assignment.objects.filter(pk=assignment.pk).update(submitted_at=report.submitted_at)


def _take_nothing(assignment: Assignment) -> None:
    """Record work handed in without an answer to its items: it is paid but not used.

    On the marketplace it has used up a place of its HIT; `_take_status` frees that place.
    """
    campaign = Campaign.locked(assignment.campaign_id)
    place = place_for(assignment, campaign)
    if place is not None:
        place.holder, place.free_at = assignment, Now()
        place.save(update_fields=["holder", "free_at"])
    assignment.submitted_at = database_now()
    assignment.unseen = list(assignment.shown)
    assignment.comment = "handed in without an answer"
    if assignment.state != AssignmentState.EXPIRED:
        assignment.become(MARKET, assignment.comment, state="expired", save=False)
    assignment.become(MARKET, assignment.comment, set_aside=True, save=False)
    assignment.save()


def _take_status(assignment: Assignment, report: MarketAssignment) -> None:
    """Record what became of the assignment on the marketplace, and act on it."""
    campaign = Campaign.locked(assignment.campaign_id)
    held = [p.pk for p in Place.objects.select_for_update().filter(holder=assignment.pk)]
    locked = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("hit", "worker")
        .get(pk=assignment.pk)
    )
    locked.campaign = campaign
    _log_entry(locked, report.status).save()
    locked.market_state = report.status
    locked.save(update_fields=["market_state"])
    if report.status in HANDED_IN and locked.state != AssignmentState.SUBMITTED:
        if not _counts_again(campaign, locked):
            # It is paid all the same, so the HIT keeps its free places only within the budget.
            idle = Q(pk__in=held) | Q(hit=locked.hit_id, free_at__lte=Now())
            free(
                campaign, Place.objects.filter(idle), MARKET, "paid by the marketplace but not used"
            )
        held = []
    if report.status == MarketState.APPROVED:
        _approved(campaign, locked)
    elif report.status == MarketState.REJECTED and locked.outcome == Outcome.NONE:
        feedback = report.feedback or "rejected on the marketplace"
        record_rejection(campaign, held, locked, feedback, MARKET)
    elif (
        report.status in (MarketState.RETURNED, MarketState.EXPIRED)
        and locked.outcome == Outcome.NONE
    ):
        why = f"{report.status} on the marketplace"
        void(locked, held, MARKET, why, AssignmentState(report.status))


def _approved(campaign: Campaign, locked: Assignment) -> None:
    """Record that the marketplace has paid it: for this site, by hand, or when its time was up."""
    if locked.outcome == Outcome.NONE:
        locked.become(MARKET, "approved on the marketplace", outcome=Outcome.ACCEPTED)
        money.owe([locked])
    elif locked.outcome == Outcome.REJECTED:
        record_overturned(campaign, locked, MARKET, "approved on the marketplace", must=True)
    mark_paid(locked)


def mark_paid(assignment: Assignment) -> None:
    """Mark its base pay, with fee and VAT, as paid."""
    due = Payment.objects.filter(with_surcharges([f"base-{assignment.pk}"]), state=PaymentState.DUE)
    due.update(state=PaymentState.PAID, paid_at=Now())


def void(locked: Assignment, held: list[int], who: str, why: str, state: AssignmentState) -> None:
    """Void work that was not handed in: free its place, and do not use its answer (if any)."""
    Place.objects.filter(pk__in=held).update(holder=None, free_at=Now())
    if locked.state != state:
        locked.become(who, why, state=state)


def _counts_again(campaign: Campaign, locked: Assignment) -> bool:
    """Use an answer that came too late, or seemed lost, if its HIT still wants one (rule P10).

    The caller has locked the campaign and the worker. Returns whether it counts.
    """
    if locked.set_aside or locked.outcome != Outcome.NONE:
        return False
    if Stop.objects.filter(campaign=campaign, worker=locked.worker_id).exists():
        return False
    # The marketplace's word outweighs what the site was only told by an address.
    others = Assignment.objects.filter(hit=locked.hit_id, worker=locked.worker_id)
    set_back(others.exclude(pk=locked.pk), MARKET)
    place = place_for(locked, campaign)
    if place is None:
        return False
    place.holder, place.free_at = locked, None
    place.save(update_fields=["holder", "free_at"])
    locked.become(
        MARKET, "handed in on the marketplace, and still wanted", state=AssignmentState.SUBMITTED
    )
    return True


def count_again(campaign: Campaign) -> int:
    """Use late answers that the marketplace has, once all its reports are in. Returns how many."""
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
    """Expire assignments whose time is over. Returns how many.

    On a marketplace this includes answers that were never handed in to it: `fetched_at` is when a
    complete fetch began, None if there was none. Not where sessions are handed in: there what
    becomes of the session decides about its answers (S6).
    """
    lapsed = Q(state=AssignmentState.OPEN, expires_at__lt=Now())
    crowd = crowd_of(campaign)
    handed_in = crowd.marketplace is not None and not crowd.accepts_at_once
    if fetched_at is not None and handed_in:
        lapsed |= Q(
            state=AssignmentState.SUBMITTED,
            outcome=Outcome.NONE,
            imported=False,
            market_state=MarketState.UNREPORTED,
            expires_at__lt=fetched_at - GRACE,
            submitted_at__lt=fetched_at - GRACE,
        ) & ~Q(hit__in=[one.hit.pk for one in lost_hits(campaign)])  # it was perhaps handed in
    ids = list(Assignment.objects.filter(lapsed, campaign=campaign).values_list("pk", "worker_id"))
    count = 0
    for pk, worker in ids:
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=worker)
            places = Place.objects.select_for_update().filter(holder=pk)
            held = [place.pk for place in places]
            assignment = Assignment.objects.select_for_update().filter(lapsed, pk=pk).first()
            if assignment is None:  # answered, renewed or reported meanwhile
                continue
            answered = assignment.submitted_at is not None
            why = "never handed in on the marketplace" if answered else "its time is over"
            void(assignment, held, "the clock", why, AssignmentState.EXPIRED)
            count += 1
    return count
