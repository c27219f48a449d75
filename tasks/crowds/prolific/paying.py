"""Pays bonuses at Prolific, each once, although paying is not idempotent; and reads its books.

A set-up names what will be paid; telling Prolific to pay it pays it, and telling again pays again.
So a set-up is told once: `asked_at` is written before, and from then on only the submissions'
own lists of bonuses say what was paid. What they lack when payment must have arrived is due anew.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, Sum

from tasks.crowds import CrowdError, SessionPayment
from tasks.crowds.prolific.account import learn
from tasks.crowds.prolific.client import Client, RequestRefused, Unreachable, client
from tasks.crowds.prolific.described import fixed_pay
from tasks.crowds.prolific.models import BonusSetUp, Study
from tasks.crowds.prolific.money import amount, cents
from tasks.crowds.prolific.studies import SCREENED_OUT, of_campaign, submissions_of
from tasks.crowds.rehearsals import is_loopback
from tasks.models import Campaign, Payment, Session
from tasks.models.payment import PaymentKind, PaymentState
from tasks.models.sums import CENT

LINES = 200  # bonuses of one set-up
AT_ONCE = 8  # submissions read at the same time
# Until when a payment that was asked for must have arrived. Prolific says "the following minutes".
ARRIVES, ARRIVES_HERE = timedelta(minutes=30), timedelta(seconds=20)
PROMISED = timedelta(days=1)
MEANT = (400, 404, 409, 422)  # statuses of an answer about what was asked
Refusal = tuple[Sequence[Payment], RequestRefused]
BESIDE = (PaymentKind.BONUS, PaymentKind.PRACTICE)


def pay_bonuses(
    campaign: Campaign, payments: Sequence[Payment]
) -> Iterator[tuple[Payment, str | None]]:
    """Pay each bonus once, and yield those that are paid. The rest is under way, or unclear.

    Those that Prolific does not take come with None.
    """
    api = client()
    due = {payment.pk: payment for payment in payments}
    stuck, refused = [], list[Refusal]()
    for set_up in _under_way(campaign):
        yield from _finish(api, set_up, due)
        if _never_arrived(api, set_up):
            stuck.append(set_up)
        busy = {line[1] for line in set_up.lines}
        due = {
            pk: payment
            for pk, payment in due.items()
            if payment.session is not None and payment.session.key not in busy
        }
    by_study: dict[str, list[Payment]] = {}
    for payment in due.values():
        assert payment.session is not None
        by_study.setdefault(payment.session.study, []).append(payment)
    for name, owed in by_study.items():
        study = Study.objects.filter(campaign=campaign, market_id=name).first()
        if study is None:
            raise CrowdError(f"{len(owed)} bonuses are for no study of this campaign: {name!r}")
        for start in range(0, len(owed), LINES):
            for set_up in _planned_all(api, study, owed[start : start + LINES], refused):
                _tell_to_pay(api, set_up)
                yield from _finish(api, set_up, due)
    troubles = []
    if refused:
        if _is_for_good(campaign, refused):
            yield from ((payment, None) for owed, _ in refused for payment in owed)
        more = f" (and {len(refused) - 1:,} more)" if len(refused) > 1 else ""
        troubles.append(f"{refused[0][1]}{more}: everybody else's bonuses are seen to")
    if stuck:
        troubles.append(
            f"Prolific has promised to pay bonuses ({stuck[0].market_id}) which have not arrived"
            " after a day: ask Prolific; the site will not pay them again by itself"
        )
    if troubles:
        raise CrowdError("; ".join(troubles))


def _is_for_good(campaign: Campaign, refused: Sequence[Refusal]) -> bool:
    """Whether Prolific means the submissions: not a token, a busy service, or an empty wallet."""
    if any(error.status not in MEANT for _, error in refused):
        return False
    account, available = learn(campaign)
    wanted = sum((payment.amount for owed, _ in refused for payment in owed), Decimal(0))
    return wanted * (1 + account.charges) <= available


def _under_way(campaign: Campaign) -> list[BonusSetUp]:
    """Set-ups that were begun and not ended; those that were never told to pay are given up."""
    begun = BonusSetUp.objects.filter(study__campaign=campaign, done=False).order_by("pk")
    begun.filter(asked_at=None).delete()
    return list(begun.select_related("study"))


def _planned_all(
    api: Client, study: Study, payments: Sequence[Payment], refused: list[Refusal]
) -> Iterator[BonusSetUp]:
    """Set-ups of all that Prolific takes: it refuses a whole one for a single submission in it.

    Those of one submission stay together. `refused`: those that it does not take, and why.
    """
    try:
        yield _planned(api, study, payments)
        return
    except RequestRefused as error:
        keys = sorted({payment.session.key for payment in payments if payment.session is not None})
        if len(keys) == 1:
            refused.append((payments, error))
            return
    for half in (set(keys[: len(keys) // 2]), set(keys[len(keys) // 2 :])):
        theirs = [p for p in payments if p.session is not None and p.session.key in half]
        yield from _planned_all(api, study, theirs, refused)


def _planned(api: Client, study: Study, payments: Sequence[Payment]) -> BonusSetUp:
    """A set-up at Prolific, which pays nothing yet, with what its submissions had been paid."""
    keys = {payment.session.key for payment in payments if payment.session is not None}
    before = bonuses_of(api, keys)
    lines: list[list[Any]] = []
    for payment in payments:
        assert payment.session is not None
        key = payment.session.key
        lines.append([payment.pk, key, cents(payment.amount), before[key]])
    csv = "\n".join(f"{key},{minor // 100}.{minor % 100:02}" for _, key, minor, _ in lines)
    body = {"study_id": study.market_id, "csv_bonuses": csv}
    answer = api.send("POST", "/submissions/bonus-payments/", body)
    meant = sum(minor for _, _, minor, _ in lines)
    if (understood := int(answer.get("amount", meant))) != meant:
        raise CrowdError(
            f"Prolific understood bonuses of {amount(understood)} where {amount(meant)} was meant:"
            " nothing was paid"
        )
    vat = int(answer.get("vat") or 0)
    # Of what it costs the API's file promises the whole alone.
    fees = int(answer.get("fees", answer["total_amount"] - meant - vat))
    return BonusSetUp.objects.create(
        study=study, lines=lines, market_id=answer["id"], fees=fees, vat=vat
    )


def _tell_to_pay(api: Client, set_up: BonusSetUp) -> None:
    """Tell Prolific once to pay it; a refusal pays nothing, and what else goes wrong is unclear."""
    set_up.asked_at = api.now()
    with durably():
        set_up.save(update_fields=["asked_at"])
    try:
        api.send("POST", f"/bulk-bonus-payments/{set_up.market_id}/pay/")
    except (RequestRefused, Unreachable):
        set_up.delete()
        raise
    set_up.answered = True
    set_up.save(update_fields=["answered"])


@contextmanager
def durably() -> Iterator[None]:
    """What the block commits is on the disk when it ends, whatever the connection's setting."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO on")
        yield


def _finish(
    api: Client, set_up: BonusSetUp, due: dict[int, Payment]
) -> Iterator[tuple[Payment, str]]:
    """Record what the submissions say was paid of it; after some time the rest is due anew."""
    paid = _paid_lines(api, set_up)
    _take_charges(set_up)
    for line in set_up.lines:
        if line[0] in paid and line[0] in due:
            yield due[line[0]], set_up.market_id
    arrives = ARRIVES_HERE if is_loopback(settings.PROLIFIC_API_URL) else ARRIVES
    assert set_up.asked_at is not None
    given_up = not set_up.answered and api.now() > set_up.asked_at + arrives
    if len(paid) == len(set_up.lines) or given_up:
        set_up.done = True
        set_up.save(update_fields=["done"])


def _never_arrived(api: Client, set_up: BonusSetUp) -> bool:
    """Whether Prolific promised to pay it long ago, and part of it never came."""
    assert set_up.asked_at is not None
    return not set_up.done and set_up.answered and api.now() > set_up.asked_at + PROMISED


def _paid_lines(api: Client, set_up: BonusSetUp) -> set[int]:
    """The payments (ids) whose amount each submission has had since the set-up was made."""
    now = bonuses_of(api, {line[1] for line in set_up.lines})
    new: dict[str, Counter[int]] = {}
    for _, key, _, before in set_up.lines:
        new.setdefault(key, Counter(now[key]) - Counter(before))
    paid = set()
    for pk, key, minor, _ in set_up.lines:
        if new[key][minor] > 0:
            new[key][minor] -= 1
            paid.add(pk)
    return paid


def _take_charges(set_up: BonusSetUp) -> None:
    """Bring the ledger's fee and VAT of its lines to what Prolific charged for the set-up."""
    pks = [line[0] for line in set_up.lines]
    keys = Payment.objects.filter(pk__in=pks).values_list("request_key", flat=True)
    for prefix, charged in (("fee-", set_up.fees), ("vat-", set_up.vat)):
        bring_charges_to([f"{prefix}{key}" for key in keys], charged)


def bring_charges_to(request_keys: Sequence[str], charged: int | Decimal) -> None:
    """Bring the sum of these lines of the ledger to what Prolific charged, in cents."""
    with transaction.atomic():
        lines = Payment.objects.select_for_update().filter(request_key__in=request_keys)
        left = amount(charged) - sum((line.amount for line in lines), Decimal(0))
        for line in sorted(lines, key=lambda line: line.amount, reverse=True):
            if not left:
                break
            changed = max(line.amount + left, Decimal(0))
            left -= changed - line.amount
            line.amount = changed
            line.save(update_fields=["amount"])


def bonuses_of(api: Client, keys: set[str]) -> dict[str, list[int]]:
    """What each submission has been paid in bonuses, in cents, by Prolific's own list."""

    def read(key: str) -> tuple[str, list[int]]:
        seen = api.read(f"/submissions/{key}/")
        return key, [int(minor) for minor in seen.get("bonus_payments") or []]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(pool.map(read, sorted(keys)))


def balance(campaign: Campaign) -> Decimal:
    """What is left in the workspace, without what is set aside for studies."""
    return learn(campaign)[1]


def ledger(campaign: Campaign) -> Iterator[SessionPayment]:
    """What Prolific paid: base pay by its list of submissions, bonuses by its sums and lists.

    Only where a study's sum of bonuses differs from the site's is each submission read.
    """
    api = client()
    for study in of_campaign(campaign):
        rows = submissions_of(api, study)
        for row in rows:
            if row["status"] == "APPROVED":
                yield SessionPayment("base", row["id"], study.reward)
        yield from _screened_out(api, study, rows)
        cost = api.read(f"/studies/{study.market_id}/cost/")
        _round_as_there(study, cost["rewards"])
        there = amount(cost["bonuses"]["rewards"]["amount"])
        ours = _bonuses(study)
        if sum(ours.values(), Decimal(0)) == there:
            for key, paid in ours.items():
                yield SessionPayment("bonus", key, paid)
            continue
        for key, lines in bonuses_of(api, {row["id"] for row in rows}).items():
            for minor in lines:
                yield SessionPayment("bonus", key, amount(minor))


def _round_as_there(study: Study, charged: dict[str, Any]) -> None:
    """Bring fee and VAT of what the ledger paid by submissions to Prolific's own sums of them.

    Each session's were rounded up by itself, and Prolific's may be those of the study as a whole.
    What rounding does not explain is left alone.
    """
    of_study = Payment.objects.filter(
        session__in=Session.objects.filter(campaign=study.campaign, study=study.market_id),
        state=PaymentState.PAID,
    )
    by_submission = Q(kind=PaymentKind.BASE) | Q(kind=PaymentKind.PRACTICE, market_ref="")
    paid = dict(of_study.filter(by_submission).values_list("request_key", "amount"))
    if sum(paid.values(), Decimal(0)) != amount(charged["rewards"]["amount"]):
        return
    for prefix, name in (("fee-", "fees"), ("vat-", "tax")):
        keys = [f"{prefix}{key}" for key in paid]
        lines = Payment.objects.filter(request_key__in=keys)
        ours = lines.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
        if abs(ours - amount(charged[name]["amount"])) <= CENT * len(keys):
            bring_charges_to(keys, charged[name]["amount"])


def _screened_out(
    api: Client, study: Study, rows: Sequence[dict[str, Any]]
) -> Iterator[SessionPayment]:
    """The fixed pay of those who did not pass the practice."""
    keys = [row["id"] for row in rows if row["status"] == SCREENED_OUT]
    fixed = fixed_pay(api.read(f"/studies/{study.market_id}/")) if keys else None
    if fixed is not None:
        for key in keys:
            yield SessionPayment("screened_out", key, amount(fixed.reward))


def _bonuses(study: Study) -> dict[str, Decimal]:
    """What the site's ledger paid by bonuses, by submission; fixed pay has no set-up's id."""
    paid: dict[str, Decimal] = {}
    sessions = Session.objects.filter(campaign=study.campaign, study=study.market_id)
    lines = Payment.objects.filter(session__in=sessions, kind__in=BESIDE, state=PaymentState.PAID)
    lines = lines.exclude(kind=PaymentKind.PRACTICE, market_ref="")
    for key, part in lines.values_list("session__key", "amount"):
        paid[key] = paid.get(key, Decimal(0)) + part
    return paid
