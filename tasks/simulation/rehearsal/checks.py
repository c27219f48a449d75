"""What must hold at the end of any rehearsed study, whichever crowd did it."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Sum

from tasks.market.session_pay import NO_BONUS
from tasks.models import Assignment, Campaign, Payment, Place, PracticeTry, Session
from tasks.models.assignment import USED, AssignmentState, Outcome
from tasks.models.payment import PaymentKind
from tasks.models.session import MarketStatus, SessionOutcome

PAY = (PaymentKind.BASE, PaymentKind.BONUS, PaymentKind.PRACTICE)


def wrong_answers(campaign: Campaign) -> list[str]:
    """Where HITs have not exactly R used answers of distinct workers, as sentences."""
    errors = []
    used = Assignment.objects.filter(USED, campaign=campaign)
    answers = Counter(used.values_list("hit_id", flat=True))
    wrong = {
        hit: answers[hit]
        for hit in campaign.hits.filter(given_up_at=None).values_list("pk", flat=True)
        if answers[hit] != campaign.workers_per_item
    }
    if wrong:
        errors.append(f"HITs without {campaign.workers_per_item} used answers: {wrong}")
    if used.values("hit", "worker").distinct().count() != used.count():
        errors.append("a worker has two used answers to a HIT")
    if left := Place.objects.filter(campaign=campaign, free_at__isnull=False).count():
        errors.append(f"{left} places are without an answer")
    return errors


def lost_answers(thanked: Iterable[tuple[str, str]]) -> list[str]:
    """Answers that the site has taken, and does not have: (worker's id, the work's token or key).

    Tries at a practice are among them.
    """
    wanted = set(thanked)
    workers = {worker for worker, _ in wanted}
    kept: set[tuple[str, str]] = set()
    for model, name in ((Assignment, "key"), (PracticeTry, "token")):
        rows = model.objects.filter(submitted_at__isnull=False, worker__external_id__in=workers)
        for worker, token, key in rows.values_list("worker__external_id", "token", name):
            # MTurk may give a key to the next worker, too; the first one's is then made longer.
            kept |= {(worker, token), (worker, key), (worker, key.partition("-")[0])}
    if lost := wanted - kept:
        return [f"{len(lost)} answers were taken and are not stored: {sorted(lost)[:3]}"]
    return []


def wrong_pay(campaign: Campaign) -> list[str]:
    """Sessions whose worker is owed, or was paid, something else than rules S2 and S6 say."""
    paid: dict[tuple[int | None, str], Decimal] = {}
    lines = Payment.objects.filter(campaign=campaign, kind__in=PAY, session__isnull=False)
    for session_id, kind, amount in lines.values_list("session", "kind", "amount"):
        paid[session_id, kind] = paid.get((session_id, kind), Decimal(0)) + amount
    errors = []
    for session in campaign.sessions.filter(is_test=False).order_by("pk"):
        for kind, due in _due(session).items():
            if (has := paid.get((session.pk, kind), Decimal(0))) != due:
                errors.append(
                    f"session {session.key} ({session.outcome}, {session.market_state or 'here'}):"
                    f" {kind} is {has} and should be {due}"
                )
    return errors


def _due(session: Session) -> dict[str, Decimal]:
    answers = session.assignments.filter(state=AssignmentState.SUBMITTED)
    answers = answers.exclude(outcome=Outcome.REJECTED).exclude(transitions__why=NO_BONUS)
    parts, extra = (
        _sum(answers.filter(is_extra=is_extra), "hit__reward") for is_extra in (False, True)
    )
    has_base = session.outcome == SessionOutcome.DONE
    if session.market_state:
        has_base = session.market_state == MarketStatus.APPROVED
    if session.market_state == MarketStatus.REJECTED:
        parts = Decimal(0)
    return {
        PaymentKind.BASE: session.reward if has_base else Decimal(0),
        PaymentKind.BONUS: extra + (Decimal(0) if has_base else min(parts, session.reward)),
        PaymentKind.PRACTICE: _sum(
            session.practice_tries.filter(submitted_at__isnull=False), "hit__reward"
        ),
    }


def _sum(rows, field: str) -> Decimal:  # type: ignore[no-untyped-def]
    return rows.aggregate(sum=Sum(field))["sum"] or Decimal(0)
