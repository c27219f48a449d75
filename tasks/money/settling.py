"""What workers are owed where no marketplace pays them, ticked off by a person once it is paid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from imagesets.clock import Now
from tasks.crowds import marketplace_of
from tasks.models import Campaign, Payment, Transition, Worker
from tasks.models.payment import PaymentKind, PaymentState
from tasks.models.refused import Refused
from tasks.money.costs import usd


@dataclass(frozen=True)
class Account:
    """One worker's pay in a campaign. `newest`: the last amount still owed, 0 where none is."""

    worker: Worker
    sets: int  # paid for or to be paid for, tries at the practice among them
    owed: Decimal
    paid: Decimal
    newest: int
    paid_at: datetime | None


def accounts_of(campaign: Campaign) -> list[Account]:
    """What each worker is owed and was paid, the largest debts first, then by pseudonym."""
    due = Q(state=PaymentState.DUE)
    rows = list(
        _pay_of(campaign)
        .values("earner")
        .annotate(
            sets=Count("pk", filter=~Q(kind=PaymentKind.BONUS)),
            owed=Coalesce(Sum("amount", filter=due), Decimal(0)),
            paid=Coalesce(Sum("amount", filter=~due), Decimal(0)),
            newest=Coalesce(Max("pk", filter=due), 0),
            last_paid=Max("paid_at"),
        )
    )
    workers = Worker.objects.in_bulk([row["earner"] for row in rows])
    accounts = [
        Account(
            worker=workers[row["earner"]],
            sets=row["sets"],
            owed=row["owed"],
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
    stays owed. Again, or by two at once: an amount is recorded once. Raises Refused where a
    marketplace pays.
    """
    if marketplace_of(campaign) is not None:
        raise Refused(f"campaign {campaign.slug}: its marketplace pays its workers")
    settled = {}
    with transaction.atomic():
        for worker in Worker.objects.filter(pk__in=newest).order_by("pk"):
            due = _pay_of(campaign).filter(
                state=PaymentState.DUE, earner=worker.pk, pk__lte=newest[worker.pk]
            )
            rows = list(due.select_for_update(of=("self",)).order_by("pk"))
            if not rows:
                continue
            amount = sum((payment.amount for payment in rows), Decimal(0))
            _record(campaign, rows)
            Transition.objects.create(
                campaign=campaign,
                subject=f"pay of {worker.pseudonym}",
                before=PaymentState.DUE,
                after=PaymentState.PAID,
                who=who,
                why=f"{usd(amount)} was paid outside of the site",
            )
            settled[worker.pk] = amount
    return settled


def _pay_of(campaign: Campaign) -> QuerySet[Payment]:
    """What workers get, without the marketplace's fees, each row with its `earner` (a worker)."""
    return (
        Payment.objects.filter(~Q(kind=PaymentKind.FEE), campaign=campaign)
        .annotate(earner=Coalesce(F("assignment__worker"), F("practice__worker")))
        .order_by()
    )


def _record(campaign: Campaign, payments: Iterable[Payment]) -> None:
    keys = [
        key for payment in payments for key in (payment.request_key, f"fee-{payment.request_key}")
    ]
    Payment.objects.filter(campaign=campaign, request_key__in=keys).update(
        state=PaymentState.PAID, paid_at=Now()
    )
