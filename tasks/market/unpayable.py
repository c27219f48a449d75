"""Payments due for work that the marketplace no longer has: it takes no call for them.

They stay owed. Sync names them until somebody says what became of them (rule P19).
"""

from collections.abc import Collection
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum

from tasks.market.gone import ALL, NAMED, gone_hits
from tasks.models import Campaign, Payment
from tasks.models.payment import Obstacle, PaymentKind, PaymentState
from tasks.models.refused import Refused
from tasks.money.settling import leave_unpaid, record_paid, unpayable


def look(campaign: Campaign) -> None:
    """Mark what is due for HITs that are gone, and take the mark off those that have come back."""
    due = Payment.objects.filter(
        campaign=campaign,
        state=PaymentState.DUE,
        kind__in=[PaymentKind.BASE, PaymentKind.BONUS],
    )
    if not (gone := gone_hits(campaign)):
        due.exclude(obstacle=Obstacle.NONE).update(obstacle=Obstacle.NONE)
        return
    marked = due.exclude(obstacle=Obstacle.NONE)
    marked.exclude(assignment__hit__in=gone).update(obstacle=Obstacle.NONE)
    # Of a HIT that was offered anew some work may still be there: paying finds out.
    wholly = gone_hits(campaign, even_replaced=False)
    due.filter(assignment__hit__in=wholly, obstacle=Obstacle.NONE).update(obstacle=Obstacle.GONE)


def waiting(campaign: Campaign) -> QuerySet[Payment]:
    """Those of which nobody has said yet what became of them."""
    return unpayable(campaign).exclude(obstacle=Obstacle.LEFT).filter(amount__gt=0)


def told(campaign: Campaign) -> str:
    """What waits for a decision, and which commands decide, in sentences; "": nothing does."""
    found = waiting(campaign).order_by()
    summed = found.aggregate(
        number=Count("pk"),
        people=Count("assignment__worker", distinct=True),
        amount=Sum("amount", default=Decimal(0)),
    )
    if not summed["number"]:
        return ""
    keys = _keys(found)
    more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
    some = ", ".join(keys[:NAMED]) + more
    people = "1 worker is" if summed["people"] == 1 else f"{summed['people']:,} workers are"
    return (
        f"{people} owed {campaign.as_money(summed['amount'])} for work on HITs that the"
        f" marketplace no longer has, so it takes no call to pay it: {some}. See what it has paid,"
        " pay the rest by other means, and say so: Payments on the campaign's page, or sync"
        f" {campaign.slug} --paid-by-hand {keys[0]} (or, of what nobody can pay, --leave-unpaid;"
        f" by name, or `{ALL}`)."
    )


def _keys(payments: QuerySet[Payment]) -> list[str]:
    return sorted(set(payments.values_list("assignment__hit__key", flat=True)))


def decide(
    campaign: Campaign, paid: Collection[str], left: Collection[str], who: str
) -> tuple[int, int]:
    """Record what somebody says of those of these HITs: our keys, or `all`; how many of each.

    Of one that was left unpaid it may still be said that it has been paid. Raises Refused.
    """
    if not paid and not left:
        return 0, 0
    look(campaign)
    keys = _keys(unpayable(campaign))
    if unknown := sorted({*paid, *left} - {*keys, ALL}):
        there_are = ", ".join(keys[:NAMED]) or "none"
        raise Refused(
            f"campaign {campaign.slug}: {unknown[0]} is not a HIT whose payments wait because it"
            f" is gone (there are: {there_are})"
        )
    if paid and left and (ALL in {*paid, *left} or {*paid} & {*left}):
        raise Refused(f"campaign {campaign.slug}: no HIT can be paid by hand and left unpaid too")

    def of(names: Collection[str], payments: QuerySet[Payment]) -> QuerySet[Payment]:
        return payments if ALL in names else payments.filter(assignment__hit__key__in=names)

    return (
        record_paid(campaign, of(paid, unpayable(campaign)), who),
        leave_unpaid(campaign, of(left, waiting(campaign)), who),
    )
