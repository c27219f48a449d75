"""The ledger: pay and bonuses owed, and where it differs from the marketplace's own list."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction

from imagesets.clock import database_now
from tasks.crowds import MarketPayment, marketplace_of
from tasks.models import (
    Assignment,
    Campaign,
    Payment,
    PracticeTry,
    Session,
    Transition,
    Work,
)
from tasks.models.assignment import Outcome
from tasks.models.payment import PaymentKind, PaymentState
from tasks.models.refused import Refused
from tasks.money.budget import over
from tasks.money.costs import surcharges

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
        if session is not None:
            if reward and assignment.is_extra and not session.is_test:
                rows += _payments(assignment, PaymentKind.BONUS, reward, FOR_MORE)
        # On a marketplace even work for nothing is approved, and may cost a fee.
        elif reward or marketplace_of(assignment.campaign) is not None:
            rows += _payments(assignment, PaymentKind.BASE, reward, FOR_THE_WORK)
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


def bonuses_for(session: Session, amount: Decimal, reason: str) -> list[Payment]:
    """A bonus for a whole session, with fee and VAT, not yet in the ledger."""
    return _payments(session, PaymentKind.BONUS, amount, reason)


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
            f"a bonus of {assignment.campaign.as_money(amount)} cannot be paid: it must be in whole"
            " cents and above 0"
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
                    f"assignment {assignment.key} has had {campaign.as_money(earlier.amount)}"
                    " for that reason"
                )
            return earlier
        if too_much := over(campaign, sum((p.amount for p in payments), Decimal(0))):
            raise Refused(
                f"campaign {campaign.slug}: the bonus goes {campaign.as_money(too_much)} beyond the"
                f" budget of {campaign.as_money(campaign.budget or Decimal(0))}"
            )
        return Payment.objects.bulk_create(payments)[0]


@dataclass
class Comparison:
    """The ledger beside the marketplace's own list of payments."""

    sentences: list[str] = field(default_factory=list)  # where the two disagree
    not_entered: list[MarketPayment] = field(default_factory=list)  # bonuses that it lacks


def compare(campaign: Campaign, hits: Collection[int] | None = None) -> Comparison:
    """Compare the ledger with the marketplace's own list of payments.

    `hits`: compare these HITs (ids) alone. A payment still due is no difference. Raises CrowdError.
    """
    compared = Comparison()
    market = marketplace_of(campaign)
    if market is None:
        return compared
    payments = campaign.payments.filter(kind__in=[PaymentKind.BASE, PaymentKind.BONUS])
    payments = payments.select_related("assignment").order_by("pk")
    if hits is not None:
        payments = payments.filter(assignment__hit__in=hits)
    unseen: dict[tuple[str, str, str], list[Payment]] = defaultdict(list)
    for payment in payments:
        unseen[_named(payment.kind, payment.for_answer.key, payment.reason)].append(payment)
    known = set(unseen)
    for line in market.ledger(campaign, hits):
        name = _named(line.kind, line.assignment, line.reason)
        what, there = f"{line.kind} of {line.assignment}", campaign.as_money(line.amount)
        mine = unseen[name].pop(0) if unseen[name] else None
        if mine is None and name in known:
            said = f"{what}: paid twice on the marketplace ({there} again)"
        elif mine is None:
            said = f"{what}: {there} paid on the marketplace, nothing in this ledger"
        elif mine.amount != line.amount:
            here = campaign.as_money(mine.amount)
            said = f"{what}: {there} on the marketplace, {here} in this ledger"
        else:
            continue
        if mine is None and line.kind == "bonus":
            compared.not_entered.append(line)
            said += f" (if somebody paid it by hand: sync {campaign.slug} --enter-bonuses)"
        compared.sentences.append(said)
    compared.sentences += [
        f"{kind} of {key}: {campaign.as_money(payment.amount)} paid in this ledger, not on the"
        " marketplace"
        for (kind, key, _), left in unseen.items()
        for payment in left
        if payment.state == PaymentState.PAID
    ]
    return compared


def _named(kind: str, key: str, reason: str) -> tuple[str, str, str]:
    return kind, key, reason if kind == "bonus" else ""


def differences(campaign: Campaign, hits: Collection[int] | None = None) -> list[str]:
    """Where the two disagree, as sentences; `hits` as for `compare`. Raises CrowdError."""
    return compare(campaign, hits).sentences


def enter_bonuses(campaign: Campaign, lines: Iterable[MarketPayment], who: str) -> int:
    """Enter bonuses in the ledger that somebody paid on the marketplace by hand.

    They are paid already, so they stand even beyond the budget (rule M5), each with its fee.
    Returns how many; one for an answer that the site does not know is left out.
    """
    count = 0
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        for line in lines:
            answer = Assignment.objects.filter(campaign=locked, key=line.assignment).first()
            if answer is None:
                continue
            answer.campaign = locked
            rows = _payments(answer, PaymentKind.BONUS, line.amount, line.reason)
            again = Payment.objects.filter(assignment=answer, kind=PaymentKind.BONUS).count()
            for row in rows:
                row.request_key = f"hand-{again}-{row.request_key}"
                row.state, row.paid_at, row.market_ref = (
                    PaymentState.PAID,
                    database_now(),
                    line.market_ref,
                )
            Payment.objects.bulk_create(rows)
            Transition.objects.create(
                campaign=locked,
                assignment=answer,
                subject="bonus",
                before="paid by hand",
                after="in the ledger",
                who=who,
                why=f"{campaign.as_money(line.amount)}: {line.reason}",
            )
            count += 1
    return count
