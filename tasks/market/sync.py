"""Sync brings a campaign and its crowd in step: fetch, review, pay, open a round, offer.

Everything sent to the marketplace goes through this module, also by publish, pause, close and the
queue. An advisory lock admits one at a time per campaign. A step that is cut off is repeated by the
next sync.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import Error, connection, transaction
from django.db.models import Model, QuerySet

from imagesets.clock import Now, database_now
from imagesets.locks import Lock, held
from tasks import money
from tasks.crowds import Crowd, CrowdError, Marketplace, crowd_of
from tasks.market import sessions
from tasks.market.reconcile import count_again, expire, mark_paid, reconcile_all
from tasks.models import HIT, Assignment, Campaign, Payment, Transition
from tasks.models.assignment import MarketState, Outcome
from tasks.models.campaign import State
from tasks.models.payment import PaymentKind, PaymentState
from tasks.models.refused import Refused
from tasks.work.review import Reviewed, review
from tasks.work.rounds import finish_if_done, give_up_stranded, open_round
from tasks.work.sessions import end_idle

PATIENCE = 5.0  # seconds that a page waits for a running sync
COMPARED = 50  # HITs whose payments a sync compares: of the newly paid, and of all
SHOWN = 20  # refusals after which a sync stops paying
AT_ONCE, BATCH = 8, 200  # concurrent calls that pay; rows between two checks
Row = TypeVar("Row", bound=Model)
Answer = TypeVar("Answer")
Progress = Callable[[str], None]


@dataclass
class Synced:
    """What a sync found and did."""

    busy: bool = False  # another one was running, and nothing was done
    fetched: int = 0
    expired: int = 0
    left: int = 0  # sessions whose workers have gone
    reviewed: Reviewed = field(default_factory=Reviewed)
    paid: int = 0
    rejections_told: int = 0
    opened_round: int = 0  # its number; 0: none
    unconfirmed: str = ""  # why nothing was paid and offered: nobody confirmed real money
    state: str = ""
    unknown: list[str] = field(default_factory=list)  # the marketplace's HITs unknown to the site
    troubles: list[str] = field(default_factory=list)  # what the marketplace refused
    differences: list[str] = field(default_factory=list)  # between the two ledgers


def report(campaign: Campaign, done: Synced) -> list[str]:
    """What a sync did, in lines."""
    reviewed = done.reviewed
    parts = [
        (done.fetched, "reported by the marketplace"),
        (done.expired, "expired"),
        (done.left, "sessions over"),
        (reviewed.accepted, "accepted"),
        (reviewed.rejected, "rejected"),
        (reviewed.set_aside, "set aside"),
        (reviewed.stopped, "workers stopped"),
        (done.paid, "paid"),
    ]
    did = ", ".join(f"{number:,} {what}" for number, what in parts if number) or "nothing new"
    lines = [f"Campaign {campaign.slug} is {done.state}, round {campaign.round}: {did}."]
    if done.opened_round:
        lines.append(f"Round {done.opened_round} was opened.")
    if done.unconfirmed:
        lines.append(f"Nothing was paid or offered: {done.unconfirmed}.")
    for name, texts in (
        ("Unknown to this site, and left as it is", done.unknown),
        ("Refused by the marketplace", done.troubles),
        ("The ledgers differ", done.differences),
    ):
        lines += [f"{name}: {text}" for text in texts]
    return lines


def sync(
    campaign: Campaign, patience: float | None = 0, progress: Progress = lambda step: None
) -> Synced:
    """Bring a published campaign and its crowd in step.

    Of two syncs at once the second waits `patience` seconds, then does nothing (`busy`). Raises
    Refused for a draft, and CrowdError.
    """
    campaign.refresh_from_db()
    if campaign.state == State.DRAFT:
        raise Refused(f"campaign {campaign.slug} is a draft: publish it first")
    with held(Lock.SYNC, campaign.pk, patience) as mine:
        if not mine:
            return Synced(busy=True, state=campaign.state)
        return _sync(campaign, progress)


def _sync(campaign: Campaign, progress: Progress) -> Synced:
    crowd = crowd_of(campaign)
    market, session_market = crowd.marketplace, crowd.session_market
    done = Synced()
    before = campaign.state
    done.unconfirmed = money.unconfirmed(campaign)
    began = database_now()
    with _commits_not_awaited():
        if market is not None:
            progress("fetching")
            done.fetched = reconcile_all(campaign, market.fetch(campaign))
        if session_market is not None:
            progress("fetching")
            done.fetched = sessions.take_in(campaign, session_market)
        done.left = end_idle(campaign)
        done.expired = expire(campaign, fetched_at=began)
        count_again(campaign)
        progress("reviewing")
        done.reviewed = review(campaign)
        if market is not None:
            progress("paying")
            _send_rejections(campaign, market, done)
            if not done.unconfirmed:
                _pay(campaign, market, done)
        if session_market is not None and not done.unconfirmed:
            progress("paying")
            done.paid = sessions.decide(campaign, session_market, done.troubles)
            done.paid += sessions.pay_bonuses(campaign, session_market)
    progress("offering")
    if not done.unconfirmed:
        _next_round(campaign, crowd, done)
    give_up_stranded(campaign)
    finish_if_done(_fresh(campaign))
    if not (done.unconfirmed and _fresh(campaign).state == State.OPEN):
        _offer_or_withdraw(campaign)
    if market is not None:
        progress("comparing")
        done.unknown = market.unknown(campaign)
        done.differences = money.differences(campaign, _to_compare(_fresh(campaign), before))
    if session_market is not None:
        progress("comparing")
        done.unknown = session_market.unknown(campaign)
        done.differences = sessions.differences(campaign, session_market)
    Campaign.objects.filter(pk=campaign.pk).update(synced_at=began)
    campaign.refresh_from_db()
    done.state = campaign.state
    return done


@contextmanager
def _commits_not_awaited() -> Iterator[None]:
    """Commits in the block do not wait for the disk, which took most of a sync of many answers.

    A power cut may undo the last of them; the next sync then fetches them, decides them, and finds
    them paid. Records made before the marketplace creates anything stay outside the block.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


def _to_compare(campaign: Campaign, before: str) -> list[int] | None:
    """HITs (ids) whose payments this sync compares; None: all, at the end of the study.

    Otherwise a sample of those paid since the last sync and one of all: each HIT costs calls.
    """
    if campaign.state != before and campaign.state in (State.FINISHED, State.CLOSED):
        return None
    new = Payment.objects.filter(campaign=campaign, paid_at__isnull=False)
    if campaign.synced_at is not None:
        new = new.filter(paid_at__gte=campaign.synced_at)
    paid = HIT.objects.filter(pk__in=new.values("assignment__hit"))
    return [
        pk
        for hits in (paid, HIT.objects.filter(campaign=campaign))
        for pk in hits.order_by("?").values_list("pk", flat=True)[:COMPARED]
    ]


def _fresh(campaign: Campaign) -> Campaign:
    campaign.refresh_from_db()
    return campaign


def put_before_crowd(campaign: Campaign, patience: float | None) -> bool:
    """Offer an open campaign's places, or withdraw them: after publish, pause, resume, close.

    False: a sync has held the lock for `patience` seconds, and nothing was done. That sync may have
    read the state before it changed, so the caller has to see that another one follows. Raises
    CrowdError.
    """
    with held(Lock.SYNC, campaign.pk, patience) as mine:
        if mine:
            _offer_or_withdraw(campaign)
    return mine


def _offer_or_withdraw(campaign: Campaign) -> None:
    """Offer or withdraw places as the campaign's state says; repeat if it changed meanwhile.

    Raises CrowdError, also if the offer would spend real money that nobody has confirmed.
    """
    crowd = crowd_of(campaign)
    market, session_market = crowd.marketplace, crowd.session_market
    while market is not None or session_market is not None:
        state = _fresh(campaign).state
        if state == State.OPEN and (wrong := money.unconfirmed(campaign)):
            raise CrowdError(wrong)
        if market is not None:
            (market.offer if state == State.OPEN else market.withdraw)(campaign)
        if session_market is not None:
            sessions.offer_or_withdraw(campaign, session_market)
        if _fresh(campaign).state == state:
            return


def _next_round(campaign: Campaign, crowd: Crowd, done: Synced) -> None:
    """Open the next round if neither site nor marketplace has a place left to take up (rule P2).

    On the site workers open rounds; a sync does so only where one found no money, and some may have
    come free since.
    """
    campaign = _fresh(campaign)
    free = campaign.places.filter(free_at__lte=Now())
    if campaign.state != State.OPEN or free.exists():
        return
    if crowd.marketplace is None or not crowd.gives_places:
        wanted = campaign.out_of_money
    else:
        wanted = not crowd.marketplace.places_available(campaign)
    if wanted and open_round(campaign, campaign.round, who="sync", recheck=True):
        done.opened_round = _fresh(campaign).round


def _pay(campaign: Campaign, market: Marketplace, done: Synced) -> None:
    """Pay on the marketplace what the ledger says is due: accepted answers, then bonuses."""
    due = Payment.objects.filter(campaign=campaign, state=PaymentState.DUE).order_by("pk")
    due = due.select_related("assignment__hit", "assignment__worker", "assignment__campaign")

    def approve(payment: Payment) -> None:
        market.approve(payment.for_answer)

    def give_bonus(payment: Payment) -> str:
        return market.bonus(payment.for_answer, payment.amount, payment.reason, payment.request_key)

    for payment, _ in _each(due.filter(kind=PaymentKind.BASE), approve, done):
        with transaction.atomic():
            mark_paid(payment.for_answer, "")
            _record(payment.for_answer, "approved")
        done.paid += 1
    for payment, reference in _each(due.filter(kind=PaymentKind.BONUS), give_bonus, done):
        keys = [payment.request_key, f"fee-{payment.request_key}"]
        Payment.objects.filter(request_key__in=keys, state=PaymentState.DUE).update(
            state=PaymentState.PAID, paid_at=Now(), market_ref=reference
        )
        done.paid += 1


def _send_rejections(campaign: Campaign, market: Marketplace, done: Synced) -> None:
    rejected = Assignment.objects.filter(
        campaign=campaign, outcome=Outcome.REJECTED, market_state=MarketState.SUBMITTED
    ).select_related("hit", "worker", "campaign")

    def reject(assignment: Assignment) -> None:
        market.reject(assignment, assignment.feedback)

    for assignment, _ in _each(rejected.order_by("pk"), reject, done):
        with transaction.atomic():
            _record(assignment, "rejected")
        done.rejections_told += 1


def _each(
    rows: QuerySet[Row], call: Callable[[Row], Answer], done: Synced
) -> Iterator[tuple[Row, Answer]]:
    """Yield (row, call(row)) of each row, AT_ONCE calls at a time.

    What the marketplace refuses goes to `done.troubles`; after SHOWN refusals the rest is left to
    the next sync.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        todo = list(rows)
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            futures = [(row, pool.submit(call, row)) for row in batch]
            for row, future in futures:
                try:
                    answer = future.result()
                except CrowdError as error:
                    done.troubles.append(str(error))
                else:
                    yield row, answer
            if len(done.troubles) >= SHOWN:
                return


def _record(assignment: Assignment, status: str) -> None:
    """Record the status that a call has given the assignment on the marketplace."""
    Assignment.objects.filter(pk=assignment.pk).update(market_state=status)
    Transition.objects.create(
        campaign_id=assignment.campaign_id,
        assignment=assignment,
        subject="on the marketplace",
        before=assignment.market_state,
        after=status,
        who="sync",
    )
