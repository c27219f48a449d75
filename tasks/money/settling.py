"""What workers are owed where no marketplace pays them, ticked off by a person once it is paid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from imagesets.clock import Now
from tasks.crowds import crowd_of
from tasks.models import Campaign, Payment, Transition, Worker
from tasks.models.payment import PaymentKind, PaymentState
from tasks.models.refused import Refused


@dataclass(frozen=True)
class Account:
    """One worker's pay in a campaign. `newest`: the last amount still owed, 0 where none is."""

    worker: Worker
    works: int  # HITs or sessions that earn base pay, and tries at the practice
    owed: Decimal
    paid: Decimal
    newest: int
    paid_at: datetime | None


# Who an amount is for: a session's own pay names neither a HIT nor a try.
_EARNER = Coalesce("session__worker", "assignment__worker", "practice__worker")
_SURCHARGES = (PaymentKind.FEE, PaymentKind.VAT)


def is_settled_here(campaign: Campaign) -> bool:
    """Whether people pay the campaign's workers, outside of the site: no marketplace does."""
    crowd = crowd_of(campaign)
    return crowd.marketplace is None and crowd.session_market is None


def accounts_of(campaign: Campaign) -> list[Account]:
    """What each worker is owed and was paid, the largest debts first, then by pseudonym."""
    due = Q(state=PaymentState.DUE)
    rows = list(
        _pay_of(campaign)
        .annotate(earner=_EARNER)
        .values("earner")
        .annotate(
            works=Count("pk", filter=~Q(kind=PaymentKind.BONUS)),
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
            works=row["works"],
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
    if not is_settled_here(campaign):
        raise Refused(f"campaign {campaign.slug}: its marketplace pays its workers")
    settled = {}
    with transaction.atomic():
        for worker in Worker.objects.filter(pk__in=newest).order_by("pk"):
            due = _pay_of(campaign).annotate(earner=_EARNER)
            due = due.filter(state=PaymentState.DUE, earner=worker.pk, pk__lte=newest[worker.pk])
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
                why=f"{campaign.as_money(amount)} was paid outside of the site",
            )
            settled[worker.pk] = amount
    return settled


def _pay_of(campaign: Campaign) -> QuerySet[Payment]:
    """What workers get, without the marketplace's fees."""
    return Payment.objects.filter(campaign=campaign).exclude(kind__in=_SURCHARGES).order_by()


def _record(campaign: Campaign, payments: Iterable[Payment]) -> None:
    """Mark amounts and what they incurred as paid."""
    own = [payment.request_key for payment in payments]
    keys = [f"{before}{key}" for key in own for before in ("", "fee-", "vat-")]
    Payment.objects.filter(campaign=campaign, request_key__in=keys).update(
        state=PaymentState.PAID, paid_at=Now()
    )
