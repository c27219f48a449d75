"""Money: what answers cost, the hard budget, and the ledger. US dollars, always Decimal.

The budget holds because every step that could cost more (a round, a place that is given out again,
a bonus) asks `fits` while it has the campaign's row locked. An answer needs no asking: what its
place was worth is owed instead.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum

from tasks.crowds import Crowd, crowd_of
from tasks.models import HIT, Assignment, Campaign, Payment
from tasks.models.assignment import Outcome
from tasks.models.campaign import Kind
from tasks.models.payment import PaymentKind
from tasks.refused import Refused

HOUR = 3600  # seconds
FOR_THE_WORK = "for the work"


@dataclass(frozen=True)
class Cost:
    """What so many answers cost."""

    answers: int = 0
    rewards: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.rewards + self.fees

    def __str__(self) -> str:
        fees = f" (rewards {usd(self.rewards)}, fees {usd(self.fees)})" if self.fees else ""
        return f"{usd(self.total)}{fees}"


def usd(amount: Decimal) -> str:
    """An amount as people read it; fractions of a cent only where there are any."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents:,}" if cents == amount else f"${amount.normalize():,f}"


def expected_seconds(kind: str, items: int) -> float:
    """How long a HIT of so many tiles (CONTAINS) or images (CLASSIFY) should take, in seconds."""
    each = settings.SECONDS_PER_TILE if kind == Kind.CONTAINS else settings.SECONDS_PER_IMAGE
    return settings.SECONDS_PER_HIT + each * items


def reward_of(campaign: Campaign, seconds: float) -> Decimal:
    """The reward of a HIT that should take so long: the campaign's, else from its wage.

    Rounded up as its crowd pays.
    """
    if campaign.reward is not None:
        return campaign.reward
    return crowd_of(campaign).round_reward(campaign.wage * Decimal(repr(seconds)) / HOUR)


def cost_of(campaign: Campaign, answers: int) -> Cost:
    """What so many answers to each of the campaign's HITs cost."""
    crowd = crowd_of(campaign)
    hits = HIT.objects.filter(campaign=campaign).order_by()
    total = Cost()
    for reward, number in hits.values_list("reward").annotate(Count("pk")):
        total = _plus(total, crowd, reward, number * answers)
    return total


def _plus(cost: Cost, crowd: Crowd, reward: Decimal, answers: int) -> Cost:
    return Cost(
        cost.answers + answers,
        cost.rewards + reward * answers,
        cost.fees + crowd.fee(reward) * answers,
    )


def price(campaign: Campaign, hit: HIT) -> Decimal:
    """What one answer to the HIT costs, with the fee."""
    return hit.reward + crowd_of(campaign).fee(hit.reward)


def spent(campaign: Campaign) -> Decimal:
    """Everything in the ledger: paid or owed."""
    return campaign.payments.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def spent_by(campaigns: Iterable[Campaign]) -> dict[int, Decimal]:
    """The same of many, by campaign's id; those with nothing in the ledger are missing."""
    payments = Payment.objects.filter(campaign__in=[c.pk for c in campaigns]).order_by()
    return dict(payments.values_list("campaign").annotate(Sum("amount")))


# One statement, one snapshot: an answer is counted by its place or by its payment, never by both.
# Imported answers were paid elsewhere.
_COMMITTED = """
    SELECT NULL, sum(p.amount) FROM tasks_payment p WHERE p.campaign_id = %(campaign)s
    UNION ALL
    SELECT h.reward, count(*) FROM tasks_place p
    JOIN tasks_hit h ON h.id = p.hit_id
    LEFT JOIN tasks_assignment a ON a.id = p.holder_id AND p.free_at IS NULL
    WHERE p.campaign_id = %(campaign)s AND (a.id IS NULL OR a.outcome = '' AND NOT a.imported)
    GROUP BY h.reward
    UNION ALL
    SELECT h.reward, count(*) FROM tasks_assignment a
    JOIN tasks_hit h ON h.id = a.hit_id
    LEFT JOIN tasks_place p ON p.holder_id = a.id AND p.free_at IS NULL
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL AND a.outcome = ''
      AND NOT a.imported AND p.id IS NULL
      AND (a.state = 'submitted' OR a.market_state IN ('submitted', 'approved', 'rejected'))
    GROUP BY h.reward
"""


def committed(campaign: Campaign) -> Decimal:
    """What is in the ledger, and what the answers still to come or to be reviewed will cost."""
    crowd = crowd_of(campaign)
    total = Decimal(0)
    with connection.cursor() as cursor:
        cursor.execute(_COMMITTED, {"campaign": campaign.pk})
        for reward, number in cursor.fetchall():
            if reward is None:
                total += number or 0
            else:
                total += (reward + crowd.fee(reward)) * int(number)
    return total


def over(campaign: Campaign, more: Decimal = Decimal(0)) -> Decimal:
    """By how much the campaign, with so much more, would be beyond its budget; 0: it is within.

    The caller holds the campaign's row lock, and has read the row under it.
    """
    if campaign.budget is None:
        return Decimal(0)
    return max(committed(campaign) + more - campaign.budget, Decimal(0))


def owe(assignments: Iterable[Assignment]) -> None:
    """Write base pay and fee of answers that were just accepted into the ledger, in their step."""
    rows = []
    for assignment in assignments:
        reward = assignment.hit.reward
        if reward:
            rows += _payments(assignment, PaymentKind.BASE, reward, FOR_THE_WORK)
    Payment.objects.bulk_create(rows)


def _payments(
    assignment: Assignment, kind: PaymentKind, amount: Decimal, reason: str
) -> list[Payment]:
    """The payment and, where the marketplace takes one, its fee."""
    key = f"{kind.value}-{assignment.pk}"
    if kind == PaymentKind.BONUS:
        key += "-" + hashlib.sha256(reason.encode()).hexdigest()[:16]
    fee = crowd_of(assignment.campaign).fee(amount)
    parts = [(kind, amount, reason, key)]
    if fee:
        parts.append((PaymentKind.FEE, fee, f"on the {kind.value}", f"fee-{key}"))
    return [
        Payment(
            campaign_id=assignment.campaign_id,
            assignment=assignment,
            kind=kind,
            amount=amount,
            reason=reason,
            request_key=key,
        )
        for kind, amount, reason, key in parts
    ]


def owe_bonus(assignment: Assignment, amount: Decimal, reason: str) -> Payment:
    """Write a bonus into the ledger, to be paid by the next sync; the same again is the same.

    Raises Refused where the budget does not carry it, for work that was not accepted, and for
    another amount under a reason that the answer has had a bonus for.
    """
    reason = reason.strip()
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise Refused(f"a bonus of {usd(amount)} cannot be paid: it must be whole cents, above 0")
    if not reason:
        raise Refused("a bonus needs a reason: the worker reads it")
    with transaction.atomic():
        campaign = Campaign.locked(assignment.campaign_id)
        assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
        assignment.campaign = campaign
        if assignment.outcome != Outcome.ACCEPTED:
            raise Refused(f"assignment {assignment.key} was not accepted: it gets no bonus")
        payments = _payments(assignment, PaymentKind.BONUS, amount, reason)
        there = Payment.objects.filter(request_key=payments[0].request_key).first()
        if there is not None:
            if there.amount != amount:
                raise Refused(
                    f"assignment {assignment.key} has had {usd(there.amount)} for that reason"
                )
            return there
        if beyond := over(campaign, sum((p.amount for p in payments), Decimal(0))):
            raise Refused(
                f"campaign {campaign.slug}: the bonus goes {usd(beyond)} beyond the budget of"
                f" {usd(campaign.budget or Decimal(0))}"
            )
        return Payment.objects.bulk_create(payments)[0]


def differences(campaign: Campaign, hits: Collection[int] | None = None) -> list[str]:
    """Where the ledger and the marketplace's own list of payments do not agree, as sentences.

    `hits`: of these HITs (ids) alone. What is owed here and not paid yet is no difference. Raises
    CrowdError.
    """
    crowd = crowd_of(campaign)
    if not crowd.pays:
        return []
    payments = campaign.payments.exclude(kind=PaymentKind.FEE).select_related("assignment")
    if hits is not None:
        payments = payments.filter(assignment__hit__in=hits)
    mine = {
        (p.kind, p.assignment.key, p.reason if p.kind == PaymentKind.BONUS else ""): p
        for p in payments
    }
    found = []
    seen = set()
    for line in crowd.ledger(campaign, hits):
        key = (line.kind, line.assignment, line.reason if line.kind == "bonus" else "")
        what = f"{line.kind} of {line.assignment}"
        if key in seen:
            found.append(f"{what}: paid twice on the marketplace ({usd(line.amount)} again)")
        elif key not in mine:
            found.append(f"{what}: {usd(line.amount)} paid on the marketplace, nothing owed here")
        elif mine[key].amount != line.amount:
            found.append(f"{what}: {usd(line.amount)} there, {usd(mine[key].amount)} here")
        seen.add(key)
    found += [
        f"{kind} of {assignment}: {usd(payment.amount)} paid by this ledger, not on the marketplace"
        for (kind, assignment, reason), payment in mine.items()
        if payment.state == "paid" and (kind, assignment, reason) not in seen
    ]
    return found
