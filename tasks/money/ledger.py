"""The ledger: pay and bonuses owed, and where it differs from the marketplace's own list."""

import hashlib
from collections.abc import Collection, Iterable
from decimal import Decimal

from django.db import transaction

from tasks.crowds import marketplace_of
from tasks.models import Assignment, Campaign, Payment, PracticeTry, Session, Work
from tasks.models.assignment import Outcome
from tasks.models.payment import PaymentKind
from tasks.models.refused import Refused
from tasks.money.budget import over
from tasks.money.costs import surcharges, usd

FOR_THE_WORK = "for the work"
FOR_THE_PRACTICE = "for the practice"
FOR_MORE = "for work beyond the session"
FOR_THE_SESSION = "for the session"
FOR_A_PART = "for part of a session"


def owe(assignments: Iterable[Assignment]) -> None:
    """Add pay and fee of newly accepted answers, in the transaction that accepts them.

    In a session only those beyond it are paid by themselves, by a bonus; see `owe_session`.
    """
    rows = []
    for assignment in assignments:
        reward, session = assignment.hit.reward, assignment.session
        if not reward or (session is not None and (session.is_test or not assignment.is_extra)):
            continue
        if session is None:
            rows += _payments(assignment, PaymentKind.BASE, reward, FOR_THE_WORK)
        else:
            rows += _payments(assignment, PaymentKind.BONUS, reward, FOR_MORE)
    Payment.objects.bulk_create(rows)


def owe_session(session: Session) -> None:
    """Add the base pay of a session and its fee; a session has one, however often it is owed."""
    if session.reward and not session.is_test:
        rows = _payments(session, PaymentKind.BASE, session.reward, FOR_THE_SESSION)
        Payment.objects.bulk_create(rows, ignore_conflicts=True)


def owe_part(session: Session, amount: Decimal) -> None:
    """Add what the finished part of a session is worth, at most its base pay, as a bonus."""
    amount = min(amount, session.reward)
    if amount and not session.is_test:
        rows = _payments(session, PaymentKind.BONUS, amount, FOR_A_PART)
        Payment.objects.bulk_create(rows, ignore_conflicts=True)


def owe_practice(attempt: PracticeTry) -> None:
    """Add the pay of a try and its fee, in the transaction that judges it."""
    is_test = attempt.session is not None and attempt.session.is_test
    if attempt.reward and not is_test:
        rows = _payments(attempt, PaymentKind.PRACTICE, attempt.reward, FOR_THE_PRACTICE)
        Payment.objects.bulk_create(rows)


def _payments(
    work: Work | Session, kind: PaymentKind, amount: Decimal, reason: str
) -> list[Payment]:
    """The payment and, where the marketplace takes them, its fee and VAT."""
    of: dict[str, Work | Session | None]
    if isinstance(work, Session):
        key, of = f"{kind.value}-session-{work.pk}", {"session": work}
    else:
        key = f"{kind.value}-{work.pk}"
        name = "practice" if isinstance(work, PracticeTry) else "assignment"
        of = {name: work, "session": work.session}
    if kind == PaymentKind.BONUS:
        key += "-" + hashlib.sha256(reason.encode()).hexdigest()[:16]
    fee, vat = surcharges(work.campaign, amount)
    parts = [(kind, amount, reason, key)]
    if fee:
        parts.append((PaymentKind.FEE, fee, f"on the {kind.value}", f"fee-{key}"))
    if vat:
        parts.append((PaymentKind.VAT, vat, f"on the fee of the {kind.value}", f"vat-{key}"))
    return [
        Payment(
            campaign=work.campaign, **of, kind=kind, amount=amount, reason=reason, request_key=key
        )
        for kind, amount, reason, key in parts
    ]


def owe_bonus(assignment: Assignment, amount: Decimal, reason: str) -> Payment:
    """Add a bonus, which the next sync pays; the same bonus again adds nothing.

    Raises Refused if the budget does not carry it, if the work was not accepted, and for another
    amount with the reason of an earlier bonus for the same answer.
    """
    reason = reason.strip()
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise Refused(
            f"a bonus of {usd(amount)} cannot be paid: it must be in whole cents and above 0"
        )
    if not reason:
        raise Refused("a bonus needs a reason: the worker reads it")
    with transaction.atomic():
        campaign = Campaign.locked(assignment.campaign_id)
        assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
        assignment.campaign = campaign
        if assignment.outcome != Outcome.ACCEPTED:
            raise Refused(f"assignment {assignment.key} was not accepted, so it gets no bonus")
        payments = _payments(assignment, PaymentKind.BONUS, amount, reason)
        earlier = Payment.objects.filter(request_key=payments[0].request_key).first()
        if earlier is not None:
            if earlier.amount != amount:
                raise Refused(
                    f"assignment {assignment.key} has had {usd(earlier.amount)} for that reason"
                )
            return earlier
        if too_much := over(campaign, sum((p.amount for p in payments), Decimal(0))):
            raise Refused(
                f"campaign {campaign.slug}: the bonus goes {usd(too_much)} beyond the budget of"
                f" {usd(campaign.budget or Decimal(0))}"
            )
        return Payment.objects.bulk_create(payments)[0]


def differences(campaign: Campaign, hits: Collection[int] | None = None) -> list[str]:
    """Where the ledger and the marketplace's own list of payments disagree, as sentences.

    `hits`: compare these HITs (ids) alone. A payment still due is no difference. Raises CrowdError.
    """
    market = marketplace_of(campaign)
    if market is None:
        return []
    payments = campaign.payments.filter(kind__in=[PaymentKind.BASE, PaymentKind.BONUS])
    payments = payments.select_related("assignment")
    if hits is not None:
        payments = payments.filter(assignment__hit__in=hits)
    by_key = {
        (p.kind, p.for_answer.key, p.reason if p.kind == PaymentKind.BONUS else ""): p
        for p in payments
    }
    disagreements = []
    seen = set()
    for line in market.ledger(campaign, hits):
        key = (line.kind, line.assignment, line.reason if line.kind == "bonus" else "")
        what = f"{line.kind} of {line.assignment}"
        if key in seen:
            disagreements.append(
                f"{what}: paid twice on the marketplace ({usd(line.amount)} again)"
            )
        elif key not in by_key:
            disagreements.append(
                f"{what}: {usd(line.amount)} paid on the marketplace, nothing in this ledger"
            )
        elif by_key[key].amount != line.amount:
            disagreements.append(
                f"{what}: {usd(line.amount)} on the marketplace,"
                f" {usd(by_key[key].amount)} in this ledger"
            )
        seen.add(key)
    disagreements += [
        f"{kind} of {assignment}: {usd(payment.amount)} paid in this ledger, not on the marketplace"
        for (kind, assignment, reason), payment in by_key.items()
        if payment.state == "paid" and (kind, assignment, reason) not in seen
    ]
    return disagreements
