"""What workers are owed and no marketplace pays them, ticked off by a person once it is paid."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from imagesets.clock import Now
from tasks.crowds import crowd_of
from tasks.models import Campaign, Payment, Transition, Worker
from tasks.models.payment import Obstacle, PaymentKind, PaymentState, with_surcharges
from tasks.models.refused import Refused


@dataclass(frozen=True)
class Account:
    """One worker's pay in a campaign.

    `newest`: the last amount owed that a person may record as paid, 0 where there is none.
    """

    worker: Worker
    works: int  # HITs or sessions that earn base pay, and tries at the practice
    owed: Decimal
    by_hand: Decimal  # of that, what people pay and no marketplace
    left: Decimal  # of that, what nobody can pay, as somebody has said
    paid: Decimal
    newest: int
    paid_at: datetime | None


# Who an amount is for: a session's own pay names neither a HIT nor a try.
_EARNER = Coalesce("session__worker", "assignment__worker", "practice__worker")
_SURCHARGES = (PaymentKind.FEE, PaymentKind.VAT)
# What is recorded of a worker's payments, in the caller's transaction.
Step = Callable[[Campaign, Worker, QuerySet[Payment], str], Decimal | None]


def is_settled_here(campaign: Campaign) -> bool:
    """Whether people pay the campaign's workers, outside of the site: no marketplace does."""
    crowd = crowd_of(campaign)
    return crowd.marketplace is None and crowd.session_market is None


def accounts_of(campaign: Campaign) -> list[Account]:
    """What each worker is owed and was paid, the largest debts first, then by pseudonym."""
    due = Q(state=PaymentState.DUE)
    by_hand = _is_by_hand(campaign)
    left = due & Q(obstacle=Obstacle.LEFT)
    rows = list(
        _pay_of(campaign)
        .annotate(earner=_EARNER)
        .values("earner")
        .annotate(
            works=Count("pk", filter=~Q(kind=PaymentKind.BONUS)),
            owed=Coalesce(Sum("amount", filter=due), Decimal(0)),
            by_hand=Coalesce(Sum("amount", filter=by_hand), Decimal(0)),
            left=Coalesce(Sum("amount", filter=left), Decimal(0)),
            paid=Coalesce(Sum("amount", filter=~due), Decimal(0)),
            newest=Coalesce(Max("pk", filter=by_hand), 0),
            last_paid=Max("paid_at"),
        )
    )
    workers = Worker.objects.in_bulk([row["earner"] for row in rows])
    accounts = [
        Account(
            worker=workers[row["earner"]],
            works=row["works"],
            owed=row["owed"],
            by_hand=row["by_hand"],
            left=row["left"],
            paid=row["paid"],
            newest=row["newest"],
            paid_at=row["last_paid"],
        )
        for row in rows
    ]
    return sorted(accounts, key=lambda account: (-account.owed, account.worker.pseudonym))


def settle(campaign: Campaign, newest: Mapping[int, int], who: str) -> dict[int, Decimal]:
    """Record that what these workers were owed has been paid to them; returns each one's sum.

    `newest`: by worker (id), the last amount that the person who paid knew of; what came after it
    stays owed. Again, or by two at once: an amount is recorded once. Where a marketplace pays, only
    of what it cannot pay any more; raises Refused if there is nothing such.
    """
    return _each_until(campaign, newest, who, _settle)


def leave(campaign: Campaign, newest: Mapping[int, int], who: str) -> dict[int, Decimal]:
    """Record that nobody can pay these workers what the marketplace cannot, or does not, pay.

    It stays owed. `newest` and what is raised: as for `settle`.
    """
    return _each_until(campaign, newest, who, _leave)


def unpayable(campaign: Campaign) -> QuerySet[Payment]:
    """What is owed to workers and the marketplace cannot pay, or refuses."""
    return _by_hand(campaign).exclude(obstacle=Obstacle.NONE)


def record_paid(campaign: Campaign, payments: QuerySet[Payment], who: str) -> int:
    """Record that these, which were owed, have been paid by hand. Returns how many."""
    return _each_worker(campaign, payments, who, _settle)


def leave_unpaid(campaign: Campaign, payments: QuerySet[Payment], who: str) -> int:
    """Record that nobody can pay these, which the marketplace cannot pay: they stay owed."""
    return _each_worker(campaign, payments, who, _leave)


def _each_until(
    campaign: Campaign, newest: Mapping[int, int], who: str, step: Step
) -> dict[int, Decimal]:
    """Take a step with what each worker was owed until then; returns each one's sum."""
    if not is_settled_here(campaign) and not unpayable(campaign).exists():
        raise Refused(f"campaign {campaign.slug}: its marketplace pays its workers")
    due = _by_hand(campaign).annotate(earner=_EARNER)
    sums = {}
    with transaction.atomic():
        for worker in Worker.objects.filter(pk__in=newest).order_by("pk"):
            theirs = due.filter(earner=worker.pk, pk__lte=newest[worker.pk])
            if (amount := step(campaign, worker, theirs, who)) is not None:
                sums[worker.pk] = amount
    return sums


def _each_worker(campaign: Campaign, payments: QuerySet[Payment], who: str, step: Step) -> int:
    with transaction.atomic():
        payments = payments.annotate(earner=_EARNER)
        by_worker = dict(payments.order_by().values_list("earner").annotate(Count("pk")))
        for worker in Worker.objects.filter(pk__in=by_worker).order_by("pk"):
            step(campaign, worker, payments.filter(earner=worker.pk), who)
    return sum(by_worker.values())


def _settle(
    campaign: Campaign, worker: Worker, payments: QuerySet[Payment], who: str
) -> Decimal | None:
    rows = list(payments.select_for_update(of=("self",)).order_by("pk"))
    paid = with_surcharges(row.request_key for row in rows)
    Payment.objects.filter(paid).update(state=PaymentState.PAID, paid_at=Now())
    return _logged(campaign, worker, rows, who, PaymentState.PAID, "was paid outside of the site")


def _leave(
    campaign: Campaign, worker: Worker, payments: QuerySet[Payment], who: str
) -> Decimal | None:
    waiting = payments.exclude(obstacle=Obstacle.LEFT)
    rows = list(waiting.select_for_update(of=("self",)).order_by("pk"))
    Payment.objects.filter(pk__in=[row.pk for row in rows]).update(obstacle=Obstacle.LEFT)
    return _logged(campaign, worker, rows, who, "left unpaid", "cannot be paid and stays owed")


def _logged(
    campaign: Campaign, worker: Worker, rows: list[Payment], who: str, after: str, what: str
) -> Decimal | None:
    """Log what has become of these; returns their sum, None where there is none."""
    if not rows:
        return None
    amount = sum((row.amount for row in rows), Decimal(0))
    Transition.objects.create(
        campaign=campaign,
        subject=f"pay of {worker.pseudonym}",
        before=PaymentState.DUE,
        after=after,
        who=who,
        why=f"{campaign.as_money(amount)} {what}",
    )
    return amount


def _by_hand(campaign: Campaign) -> QuerySet[Payment]:
    """What is owed to workers and no marketplace pays."""
    return _pay_of(campaign).filter(_is_by_hand(campaign))


def _is_by_hand(campaign: Campaign) -> Q:
    due = Q(state=PaymentState.DUE)
    return due if is_settled_here(campaign) else due & ~Q(obstacle=Obstacle.NONE)


def _pay_of(campaign: Campaign) -> QuerySet[Payment]:
    """What workers get, without the marketplace's fees."""
    return Payment.objects.filter(campaign=campaign).exclude(kind__in=_SURCHARGES).order_by()
