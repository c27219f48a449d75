"""Pays what sessions earn beside base pay, and holds the ledger against the marketplace's (S6)."""

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet

from imagesets.clock import Now
from tasks.crowds import CrowdError, SessionMarket
from tasks.models import Campaign, Payment, Session, Worker
from tasks.models.payment import Obstacle, PaymentKind, PaymentState, with_surcharges
from tasks.models.session import OVER, MarketStatus
from tasks.work.stops import set_answers_aside

MARKET = "the marketplace"  # who, in the log
NO_BONUS = "the marketplace pays no bonus for its session"
OF_PEOPLE = Q(state=PaymentState.PAID) & ~Q(obstacle=Obstacle.NONE)


def pay_bonuses(campaign: Campaign, market: SessionMarket, troubles: list[str]) -> int:
    """Pay what is due beside base pay: bonuses, parts of sessions, practice. Returns how many.

    What cannot be paid is a trouble, and the study goes on. Of a session that ended without base
    pay the answers are set free for which the marketplace pays nobody; what else it refuses stays
    owed, until somebody says what became of it (rule P19).

    A session's practice waits until the session has ended or is asked back: its end may pay it
    (`SessionMarket.screen_out`).
    """
    due = (
        _undecided()
        .filter(
            campaign=campaign,
            kind__in=[PaymentKind.BONUS, PaymentKind.PRACTICE],
            session__isnull=False,
        )
        .exclude(kind=PaymentKind.PRACTICE, session__settled_at=None, session__asked_back_at=None)
    )
    payments = list(due.select_related("session__worker", "session__campaign").order_by("pk"))
    count, waiting = 0, Decimal(0)
    try:
        for payment, reference in market.pay_bonuses(campaign, payments) if payments else ():
            if reference is None:
                waiting += _refused(payment)
            else:
                _paid([payment.request_key], reference)
                count += 1
    except CrowdError as error:
        troubles.append(str(error))
    if waiting:
        troubles.append(
            f"the marketplace refuses {campaign.as_money(waiting)} that people are owed: pay it by"
            " other means, and say so under Payments on the campaign's page"
        )
    return count


def _undecided() -> QuerySet[Payment]:
    """What is due, and of which nobody has said that it stays unpaid."""
    return Payment.objects.filter(state=PaymentState.DUE).exclude(obstacle=Obstacle.LEFT)


def _refused(payment: Payment) -> Decimal:
    """Owe nothing for a part that the marketplace does not pay, and do not use it (S4).

    Returns what stays owed, and waits for a person: nothing if one has decided meanwhile.
    """
    session = payment.session
    assert session is not None
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=session.worker_id)
        if not _undecided().select_for_update().filter(pk=payment.pk):
            return Decimal(0)
        if session.market_state not in OVER or payment.kind != PaymentKind.BONUS:
            Payment.objects.filter(pk=payment.pk).update(obstacle=Obstacle.REFUSED)
            return payment.amount
        part = session.assignments.filter(
            Q(is_extra=False) if payment.assignment_id is None else Q(pk=payment.assignment_id)
        )
        set_answers_aside(Campaign.locked(session.campaign_id), part, NO_BONUS, MARKET)
        parts = with_surcharges([payment.request_key])
        Payment.objects.filter(parts, state=PaymentState.DUE).delete()
    return Decimal(0)


def mark_paid(session: Session) -> None:
    """Mark its base pay, with fee and VAT, as paid."""
    _paid([f"base-session-{session.pk}"])


def practice_paid(session: Session) -> None:
    """Mark its practice as paid: it was screened out over there, which pays it."""
    practised = session.payments.filter(kind=PaymentKind.PRACTICE)
    _paid(list(practised.values_list("request_key", flat=True)))


def _paid(request_keys: Sequence[str], market_ref: str = "") -> None:
    """Mark payments, each with its fee and VAT, as paid."""
    due = Payment.objects.filter(with_surcharges(request_keys), state=PaymentState.DUE)
    due.update(state=PaymentState.PAID, obstacle="", paid_at=Now(), market_ref=market_ref)


def differences(campaign: Campaign, market: SessionMarket) -> list[str]:
    """Where the ledger and the marketplace's own books disagree, by session, as sentences.

    What happens there while a sync runs is the next one's news: base pay of sessions that are not
    known to be approved, and as much of what is due beside it as has arrived.
    """
    ours = _by_session(campaign, PaymentState.PAID)
    due = _by_session(campaign, PaymentState.DUE)
    theirs: dict[tuple[str, str], Decimal] = {}
    for line in market.ledger(campaign):
        what = ("base" if line.kind == "base" else "beside", line.session)
        theirs[what] = theirs.get(what, Decimal(0)) + line.amount
    approved = Session.objects.filter(campaign=campaign, market_state=MarketStatus.APPROVED)
    known = set(approved.values_list("key", flat=True))
    told = []
    for kind, key in sorted(ours.keys() | theirs.keys()):
        here, there = (sums.get((kind, key), Decimal(0)) for sums in (ours, theirs))
        is_news = kind == "base" and key not in known
        more = Decimal("Infinity") if is_news else due.get((kind, key), Decimal(0))
        if not 0 <= there - here <= more:
            told.append(
                f"{'base pay' if kind == 'base' else 'bonuses'} of session {key}:"
                f" {campaign.as_money(there)} at the marketplace, {campaign.as_money(here)} in"
                " this ledger"
            )
    return told


def _by_session(campaign: Campaign, state: PaymentState) -> dict[tuple[str, str], Decimal]:
    """The ledger's base pay, and what is beside it, by session; not what people paid by hand."""
    lines = Payment.objects.filter(
        kind__in=[PaymentKind.BASE, PaymentKind.BONUS, PaymentKind.PRACTICE],
        campaign=campaign,
        state=state,
        session__isnull=False,
    ).exclude(OF_PEOPLE)
    sums: dict[tuple[str, str], Decimal] = {}
    for kind, key, amount in lines.values_list("kind", "session__key", "amount"):
        what = ("base" if kind == PaymentKind.BASE else "beside", key)
        sums[what] = sums.get(what, Decimal(0)) + amount
    return sums
