"""The ledger: what is owed for accepted answers, bonuses, and how it agrees with a marketplace."""

import hashlib
from collections.abc import Collection, Iterable
from decimal import Decimal

from django.db import transaction

from tasks.crowds import crowd_of, marketplace_of
from tasks.models import Assignment, Campaign, Payment
from tasks.models.assignment import Outcome
from tasks.models.payment import PaymentKind
from tasks.models.refused import Refused
from tasks.money.budget import over
from tasks.money.costs import usd

FOR_THE_WORK = "for the work"


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
    market = marketplace_of(campaign)
    if market is None:
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
    for line in market.ledger(campaign, hits):
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
