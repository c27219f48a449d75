"""What a sync pays and rejects on a marketplace, by the ledger and by review."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from imagesets.clock import Now
from tasks.crowds import CrowdError, Marketplace, NotThere, Unavailable
from tasks.market.gone import gone_hits
from tasks.market.reconcile import mark_paid
from tasks.market.synced import Synced
from tasks.models import Assignment, Campaign, Payment, Transition
from tasks.models.assignment import MarketState, Outcome
from tasks.models.payment import Obstacle, PaymentKind, PaymentState, with_surcharges

SHOWN = 20  # refusals after which a sync stops paying
AT_ONCE, BATCH = 8, 200  # concurrent calls that pay; rows between two checks
Row = TypeVar("Row", bound=Model)
Answer = TypeVar("Answer")


def pay(campaign: Campaign, market: Marketplace, done: Synced) -> None:
    """Pay on the marketplace what the ledger says is due: accepted answers, then bonuses."""
    due = Payment.objects.filter(campaign=campaign, state=PaymentState.DUE).order_by("pk")
    due = due.select_related("assignment__hit", "assignment__worker", "assignment__campaign")
    due = due.filter(obstacle=Obstacle.NONE)
    gone = gone_hits(campaign)

    def has_gone(payment: Payment) -> bool:
        if payment.for_answer.hit_id not in gone:
            return False
        Payment.objects.filter(pk=payment.pk).update(obstacle=Obstacle.GONE)
        return True

    def approve(payment: Payment) -> None:
        market.approve(payment.for_answer)

    def give_bonus(payment: Payment) -> str:
        return market.bonus(payment.for_answer, payment.amount, payment.reason, payment.request_key)

    for payment, _ in _each(due.filter(kind=PaymentKind.BASE), approve, done, has_gone):
        with transaction.atomic():
            mark_paid(payment.for_answer)
            _record(payment.for_answer, "approved")
        done.paid += 1
    for payment, reference in _each(due.filter(kind=PaymentKind.BONUS), give_bonus, done, has_gone):
        paid = with_surcharges([payment.request_key])
        Payment.objects.filter(paid, state=PaymentState.DUE).update(
            state=PaymentState.PAID, paid_at=Now(), market_ref=reference
        )
        done.paid += 1


def send_rejections(campaign: Campaign, market: Marketplace, done: Synced) -> None:
    """Reject on the marketplace what review has rejected."""
    rejected = Assignment.objects.filter(
        campaign=campaign, outcome=Outcome.REJECTED, market_state=MarketState.SUBMITTED
    ).select_related("hit", "worker", "campaign")

    def reject(assignment: Assignment) -> None:
        market.reject(assignment, assignment.feedback)

    # Of a HIT that is gone nothing can be rejected any more, and nobody can do anything about it.
    gone = gone_hits(campaign)
    rejected = rejected.exclude(hit__in=gone_hits(campaign, even_replaced=False)).order_by("pk")

    def is_gone(assignment: Assignment) -> bool:
        return assignment.hit_id in gone

    for assignment, _ in _each(rejected, reject, done, is_gone):
        with transaction.atomic():
            _record(assignment, "rejected")
        done.rejections_told += 1


def _each(
    rows: QuerySet[Row],
    call: Callable[[Row], Answer],
    done: Synced,
    is_gone: Callable[[Row], bool],
) -> Iterator[tuple[Row, Answer]]:
    """Yield (row, call(row)) of each row, AT_ONCE calls at a time.

    What the marketplace refuses goes to `done.troubles`, but for what it no longer has of HITs
    that are gone; after SHOWN refusals the rest is left to the next sync. Raises Unavailable.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        todo = list(rows)
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            futures = [(row, pool.submit(call, row)) for row in batch]
            for row, future in futures:
                try:
                    answer = future.result()
                except Unavailable:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
                except CrowdError as error:
                    if not (isinstance(error, NotThere) and is_gone(row)):
                        done.troubles.append(str(error))
                else:
                    yield row, answer
            if len(done.troubles) >= SHOWN:
                return


def _record(assignment: Assignment, status: str) -> None:
    """Record the status that a call has given the assignment on the marketplace."""
    Assignment.objects.filter(pk=assignment.pk).update(market_state=status)
    Transition.objects.create(
        campaign_id=assignment.campaign_id,
        assignment=assignment,
        subject="on the marketplace",
        before=assignment.market_state,
        after=status,
        who="sync",
    )
