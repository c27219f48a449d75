"""Sync brings a campaign and its crowd in step: fetch, review, pay, open a round, offer.

Everything sent to the marketplace goes through `sync` or `put_before_crowd`, also by publish,
pause, close and the queue. An advisory lock admits one at a time per campaign. A step that is cut
off is repeated by the next sync.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import Error, connection
from django.db.models import Q

from imagesets.clock import Now, database_now
from imagesets.locks import Lock, held
from tasks import money
from tasks.crowds import Crowd, CrowdError, crowd_of
from tasks.market import paying, session_pay, sessions, unpayable
from tasks.market.gone import chosen, give_up, gone_hits, lost_hits, offer_again, told
from tasks.market.reconcile import count_again, expire, reconcile_all
from tasks.market.synced import Synced, troubles_of
from tasks.market.troubles import keep_troubles
from tasks.models import HIT, Campaign, Payment
from tasks.models.campaign import State
from tasks.models.refused import Refused
from tasks.results.habits import replace_habits
from tasks.work.review import review
from tasks.work.rounds import asked, finish_if_done, give_up_stranded, open_round, short_of_money
from tasks.work.sessions import end_idle
from tasks.work.skills import OVERLAP

PATIENCE = 5.0  # seconds that a page waits for a running sync
COMPARED = 50  # HITs whose payments a sync compares: of the newly paid, and of all
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Decisions:
    """What somebody decided about what only a person can: `who` did."""

    who: str
    offer_again: Sequence[str] = ()  # HITs that are gone (tasks/market/gone.py): keys, or "all"
    give_up: Sequence[str] = ()
    enter_bonuses: bool = False  # that were paid by hand on the marketplace
    # HITs that are gone and to whose workers pay is owed (tasks/market/unpayable.py)
    paid_by_hand: Sequence[str] = ()
    leave_unpaid: Sequence[str] = ()


def sync(
    campaign: Campaign,
    patience: float | None = 0,
    progress: Progress = lambda step: None,
    decisions: Decisions | None = None,
) -> Synced:
    """Bring a published campaign and its crowd in step; first carry out what somebody decided.

    Of two syncs at once the second waits `patience` seconds, then does nothing (`busy`). Raises
    Refused for a draft and for decisions that fit nothing, and CrowdError.
    """
    campaign.refresh_from_db()
    if campaign.state == State.DRAFT:
        raise Refused(f"campaign {campaign.slug} is a draft: publish it first")
    with held(Lock.SYNC, campaign.pk, patience) as mine:
        if not mine:
            return Synced(busy=True, state=campaign.state)
        try:
            done = _sync(campaign, progress, decisions)
        except CrowdError as error:
            keep_troubles(campaign, [str(error)])
            raise
        keep_troubles(campaign, troubles_of(done))
        return done


def _sync(campaign: Campaign, progress: Progress, decisions: Decisions | None) -> Synced:
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
        if decisions is not None:
            _carry_out(campaign, decisions, done)
        done.expired = expire(campaign, fetched_at=began)
        count_again(campaign)
        progress("reviewing")
        done.reviewed = review(campaign)
        if market is not None:
            progress("paying")
            unpayable.look(campaign)
            paying.send_rejections(campaign, market, done)
            if not done.unconfirmed:
                paying.pay(campaign, market, done)
        if session_market is not None and not done.unconfirmed:
            progress("paying")
            approved, rejected = sessions.decide(campaign, session_market, done.troubles)
            done.paid = approved + session_pay.pay_bonuses(campaign, session_market, done.troubles)
            done.reviewed.rejected += rejected
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
        done.lost = told(campaign, lost_hits(campaign))
        done.unpayable = unpayable.told(campaign)
        if decisions is not None and decisions.enter_bonuses:
            found = money.compare(campaign, _comparable(campaign)).not_entered
            done.entered = money.enter_bonuses(campaign, found, decisions.who)
        done.differences = money.differences(campaign, _to_compare(_fresh(campaign), before))
    if session_market is not None:
        progress("comparing")
        done.unknown = session_market.unknown(campaign)
        done.differences = session_pay.differences(campaign, session_market)
    since = Q(submitted_at__gte=campaign.synced_at - OVERLAP) if campaign.synced_at else Q()
    if done.fetched or campaign.assignments.filter(since, submitted_at__isnull=False).exists():
        replace_habits(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(synced_at=began)
    campaign.refresh_from_db()
    done.state, done.short_of_money = campaign.state, short_of_money(campaign)
    return done


def _carry_out(campaign: Campaign, decisions: Decisions, done: Synced) -> None:
    """Do with HITs that are gone what somebody decided. Raises Refused, CrowdError."""
    lost = lost_hits(campaign)
    again = chosen(campaign, lost, decisions.offer_again)
    left_out = chosen(campaign, lost, decisions.give_up)
    if both := sorted(hit.key for hit in again if hit in left_out):
        raise Refused(f"campaign {campaign.slug}: HIT {both[0]} cannot be given up and offered too")
    done.paid_by_hand, done.left_unpaid = unpayable.decide(
        campaign, decisions.paid_by_hand, decisions.leave_unpaid, decisions.who
    )
    offer_again(campaign, again, decisions.who)
    give_up(campaign, left_out, decisions.who)
    done.offered_again, done.given_up = len(again), len(left_out)


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

    Otherwise a sample of those paid since the last sync and one of all: each HIT costs calls. What
    is gone at the marketplace cannot be compared.
    """
    if campaign.state != before and campaign.state in (State.FINISHED, State.CLOSED):
        return _comparable(campaign)
    there = HIT.objects.filter(campaign=campaign).exclude(pk__in=gone_hits(campaign))
    new = Payment.objects.filter(campaign=campaign, paid_at__isnull=False)
    if campaign.synced_at is not None:
        new = new.filter(paid_at__gte=campaign.synced_at)
    paid = there.filter(pk__in=new.values("assignment__hit"))
    return [
        pk
        for hits in (paid, there)
        for pk in hits.order_by("?").values_list("pk", flat=True)[:COMPARED]
    ]


def _comparable(campaign: Campaign) -> list[int] | None:
    """All HITs (ids) but those gone at the marketplace; None: there are none of those."""
    if not (gone := gone_hits(campaign)):
        return None
    return list(campaign.hits.exclude(pk__in=gone).values_list("pk", flat=True))


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

    Places of HITs that the marketplace has lost hold nobody up (rule P18).

    On the site workers open rounds; a sync does so only where one found no money, and some may have
    come free since.
    """
    campaign = _fresh(campaign)
    lost = [one.hit.pk for one in lost_hits(campaign)]
    free = campaign.places.filter(free_at__lte=Now()).exclude(hit__in=lost)
    can_be_done = asked(campaign).exclude(pk__in=lost)
    if campaign.state != State.OPEN or free.exists() or not can_be_done.exists():
        return
    if crowd.marketplace is None or not crowd.gives_places:
        wanted = campaign.out_of_money
    else:
        wanted = not crowd.marketplace.places_available(campaign)
    if wanted and open_round(campaign, campaign.round, who="sync", recheck=True):
        done.opened_round = _fresh(campaign).round
