"""The hourly pay of sessions: what people are owed where sessions took longer than planned (S7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from statistics import median

from django.db import transaction
from django.db.models import Sum

from tasks.models import Campaign, Payment, Session
from tasks.models.payment import PaymentKind
from tasks.models.refused import Refused
from tasks.models.session import SessionOutcome
from tasks.money.budget import over
from tasks.money.costs import usd
from tasks.money.ledger import bonuses_for

FOR_THE_TIME = "for the time that sessions took"
LEAST = 5  # sessions before their median says anything
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Shortfall:
    """By how much the hourly pay fell short, as far as it has not been made up for."""

    median_minutes: float
    planned_minutes: float
    hourly: Decimal  # what the median session paid an hour
    owed: tuple[tuple[Session, Decimal], ...]  # the difference, by session
    total: Decimal

    def __str__(self) -> str:
        return (
            f"The median session took {self.median_minutes:.1f} minutes, not the"
            f" {self.planned_minutes:.1f} planned, so it paid {self.hourly} an hour."
        )


def shortfall(campaign: Campaign) -> Shortfall | None:
    """What the sessions that were done are owed so that the median paid as planned; None: nothing.

    A session's time is from its first page to its end on the site.
    """
    done = Session.objects.filter(
        campaign=campaign, outcome=SessionOutcome.DONE, is_test=False, ended_at__isnull=False
    )
    done = done.filter(payments__kind=PaymentKind.BASE).order_by("pk")
    sessions = list(done.select_related("worker", "campaign"))
    if len(sessions) < LEAST:
        return None
    took = median((s.ended_at - s.began_at).total_seconds() for s in sessions if s.ended_at)
    planned = median(s.planned_seconds for s in sessions)
    if took <= planned or not planned:
        return None
    reward = Decimal(median(s.reward for s in sessions))
    owed = tuple(_differences(sessions, Decimal(repr(took / planned))))
    if not owed:
        return None
    hourly = (reward * 3600 / Decimal(repr(took))).quantize(CENT)
    total = sum((amount for _, amount in owed), Decimal(0))
    return Shortfall(took / 60, planned / 60, hourly, owed, total)


def _differences(sessions: list[Session], times: Decimal) -> Iterator[tuple[Session, Decimal]]:
    """What each lacks of `times` its base pay, after what was paid for that before."""
    paid = Payment.objects.filter(
        session__in=sessions, kind=PaymentKind.BONUS, reason__startswith=FOR_THE_TIME
    )
    before = dict(paid.order_by().values_list("session").annotate(Sum("amount")))
    for session in sessions:
        due = (session.reward * (times - 1)).quantize(CENT, ROUND_CEILING)
        if (amount := due - before.get(session.pk, Decimal(0))) > 0:
            yield session, amount


def owe_difference(campaign: Campaign) -> Shortfall | None:
    """Owe everybody what `shortfall` says, as a bonus that the next sync pays; all of it or none.

    Raises Refused if the budget does not carry it.
    """
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        short = shortfall(locked)
        if short is None:
            return None
        reason = f"{FOR_THE_TIME} ({short.median_minutes:.2f} minutes)"
        payments = [
            payment
            for session, amount in short.owed
            for payment in bonuses_for(session, amount, reason)
        ]
        cost = sum((payment.amount for payment in payments), Decimal(0))
        if beyond := over(locked, cost):
            raise Refused(
                f"campaign {locked.slug}: the difference costs {usd(cost, locked.in_currency)} with"
                f" fees, {usd(beyond, locked.in_currency)} more than the budget holds: raise it"
                " first"
            )
        Payment.objects.bulk_create(payments, ignore_conflicts=True)
        return short
