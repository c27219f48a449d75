"""Rounds: how many places each HIT has, by target and budget; and when a campaign has finished.

Everything here holds the campaign's row lock (order of locks: worker, campaign, place, assignment).
"""

from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Least

from imagesets.clock import Now
from tasks import money
from tasks.crowds import crowd_of
from tasks.models import HIT, Assignment, Campaign, Place, Transition
from tasks.models.assignment import AssignmentState, Outcome
from tasks.models.campaign import State
from tasks.models.hit import ASKED

SHUFFLES = 2**31

_INSERT = """
    INSERT INTO tasks_place (campaign_id, hit_id, round, shuffle, free_at)
    SELECT h.campaign_id, h.id, %(round)s, floor(random() * %(shuffles)s)::int,
           statement_timestamp()
"""
_WHOLE_ROUND = f"""
    {_INSERT}
    FROM tasks_hit h
    -- An import may have given a HIT more answers than the rounds so far wanted.
    JOIN LATERAL (SELECT count(*) AS n FROM tasks_place p WHERE p.hit_id = h.id) places ON true
    CROSS JOIN LATERAL generate_series(1, least(%(number)s, %(target)s - places.n))
    WHERE h.campaign_id = %(campaign)s AND h.given_up_at IS NULL AND NOT h.asks_nothing
"""


def open_round(campaign: Campaign, after: int, who: str, recheck: bool = False) -> bool:
    """Raise the target by `round_size`, up to R: that many more places on every HIT (rule P2).

    `after` is the newest round that the caller knows; if another has been opened since, this opens
    none. Returns whether there is a newer round now. A round that the budget does not carry whole
    is not opened: the campaign is out of money, which is logged once and checked again only with
    `recheck`.
    """
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        if locked.round > after:
            return True
        target = next_target(locked)
        if target == locked.target or (locked.out_of_money and not recheck):
            return False
        if not _carried(locked, target - locked.target):
            return False
        locked.out_of_money = False
        with connection.cursor() as cursor:
            cursor.execute(
                _WHOLE_ROUND,
                {
                    "round": locked.round + 1,
                    "shuffles": SHUFFLES,
                    "number": target - locked.target,
                    "target": target,
                    "campaign": locked.pk,
                },
            )
        Transition.objects.create(
            campaign=locked,
            subject="round",
            before=str(locked.round),
            after=str(locked.round + 1),
            who=who,
            why=f"{target} used answers a HIT",
        )
        locked.round += 1
        locked.target = target
        locked.save(update_fields=["round", "target", "out_of_money"])
        return True


def next_target(campaign: Campaign) -> int:
    """How many used answers a HIT should have after the next round; the same: there is none."""
    return min(campaign.target + campaign.round_size, campaign.workers_per_item)


def _carried(locked: Campaign, answers: int) -> bool:
    """Whether the budget carries `answers` more of every HIT; if not, mark it out of money."""
    if locked.budget is None:
        return True
    restore_places(locked)
    cost = money.cost_of(locked, answers)
    practice = money.cost_of_practice(locked, cost.sessions or answers)  # of new people (rule V7)
    beyond = money.over(locked, cost.total + practice.total)
    if not beyond:
        return True
    if not locked.out_of_money:
        Transition.objects.create(
            campaign=locked,
            subject="round",
            before=str(locked.round),
            after="out of money",
            who="the campaign",
            why=f"round {locked.round + 1} costs {cost}{practice.beside},"
            f" {locked.as_money(beyond)} more than is left of"
            f" the budget of {locked.as_money(locked.budget)}",
        )
        locked.out_of_money = True
        locked.save(update_fields=["out_of_money"])
    return False


# The places that HITs lack of their target: a tight budget gave them up, or their images were
# withdrawn for a time.
_LACKING = f"""
    {_INSERT}
    FROM tasks_hit h
    JOIN LATERAL (SELECT count(*) AS n FROM tasks_place p WHERE p.hit_id = h.id) places ON true
    CROSS JOIN LATERAL generate_series(1, %(target)s - places.n)
    WHERE h.campaign_id = %(campaign)s AND h.given_up_at IS NULL AND NOT h.asks_nothing
    RETURNING id
"""


def restore_places(locked: Campaign) -> int:
    """Bring back places that HITs lack, as far as the budget now carries them (rule M6).

    Returns how many.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _LACKING,
            {
                "round": locked.round,
                "shuffles": SHUFFLES,
                "target": locked.target,
                "campaign": locked.pk,
            },
        )
        new = [row[0] for row in cursor.fetchall()]
    if not new:
        return 0
    cut = _give_up(locked, Place.objects.filter(pk__in=new), money.over(locked))
    return len(new) - cut


def _give_up(locked: Campaign, places: QuerySet[Place], beyond: Decimal) -> int:
    """Delete free places, the dearest first, until the budget is kept. Returns how many."""
    if crowd_of(locked).pays_by_session:
        ids = list(places.order_by("-pk").values_list("pk", flat=True))
        cut = ids[: money.places_beyond(locked, beyond)]
        Place.objects.filter(pk__in=cut).delete()
        return len(cut)
    cut = []
    for place in places.select_related("hit").order_by("-hit__reward", "-pk"):
        if beyond <= 0:
            break
        cut.append(place.pk)
        beyond -= money.price(locked, place.hit)
    Place.objects.filter(pk__in=cut).delete()
    return len(cut)


def free(locked: Campaign, places: QuerySet[Place], who: str, why: str) -> int:
    """Free places whose answers no longer count, as far as the budget carries it (rule M6).

    The caller has locked the places and the campaign. Their answers may still have to be paid, so
    places beyond the budget are given up, and the study ends with fewer answers to their HITs.
    Returns how many are free again.
    """
    ids = list(places.values_list("pk", flat=True))
    freed = Place.objects.filter(pk__in=ids)
    freed.update(holder=None, free_at=Now())
    freed.filter(hit__given_up_at__isnull=False).delete()
    ids = list(freed.values_list("pk", flat=True))
    cut = _give_up(locked, freed, beyond) if ids and (beyond := money.over(locked)) else 0
    if cut:
        Transition.objects.create(
            campaign=locked,
            subject="round",
            before=f"{len(ids)} free again",
            after=f"{cut} given up",
            who=who,
            why=f"{why}; the budget of {locked.as_money(locked.budget or Decimal(0))} carries no"
            " more",
        )
        locked.out_of_money = True
        locked.save(update_fields=["out_of_money"])
    if len(ids) > cut and locked.state == State.FINISHED:
        locked.move_to(State.OPEN, who, f"{len(ids) - cut} places are free again")
    return len(ids) - cut


def go_further(locked: Campaign, who: str, why: str) -> None:
    """Take up what a higher R or budget allows: places given up, and the next round (rule P17).

    A finished campaign opens again if there is something to do. One that was filled by import gives
    out no work, and stays as it is. The caller holds the campaign's row lock.
    """
    if not locked.round:
        return
    restored = 0
    if locked.out_of_money:
        restored = restore_places(locked)
        locked.out_of_money = bool(given_up(locked))
        locked.save(update_fields=["out_of_money"])
    opened = all_answered(locked) and open_round(locked, locked.round, who, recheck=True)
    locked.refresh_from_db()
    if (restored or opened) and locked.state == State.FINISHED:
        locked.move_to(State.OPEN, who, why)


def make_room(locked: Campaign, amount: Decimal) -> bool:
    """Give up free places until the budget carries `amount` more. False: it cannot; none is given
    up.
    """
    beyond = money.over(locked, amount)
    if not beyond:
        return True
    idle = Place.objects.select_for_update(of=("self",), skip_locked=True).filter(
        campaign=locked, free_at__lte=Now()
    )
    with transaction.atomic():
        _give_up(locked, idle, beyond)
        if not money.over(locked, amount):
            return True
        transaction.set_rollback(True)
    return False


def give_up_stranded(campaign: Campaign) -> int:
    """Give up free places for which the budget carries no further session (rules M6, S4).

    Only once nobody is in a session, and none waits to be settled, of which money might come back.
    Returns how many.
    """
    if not crowd_of(campaign).pays_by_session:
        return 0
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        price = money.price_of_newcomer(locked)
        unsettled = locked.sessions.filter(settled_at=None, is_test=False)
        if locked.state != State.OPEN or unsettled.exists() or not money.beyond(locked, price):
            return 0
        idle = Place.objects.select_for_update().filter(campaign=locked, free_at__lte=Now())
        count = len(idle)
        if count:
            Place.objects.filter(pk__in=[place.pk for place in idle]).delete()
            Transition.objects.create(
                campaign=locked,
                subject="round",
                before=f"{count} free",
                after=f"{count} given up",
                who="the campaign",
                why=f"the budget of {locked.as_money(locked.budget or Decimal(0))}"
                f" carries no further session",
            )
            locked.out_of_money = True
            locked.save(update_fields=["out_of_money"])
    return count


def go_on_if_answered(campaign: Campaign) -> None:
    """Once all places so far are answered: open the next round, or finish (rules P2, P11).

    On a marketplace a sync opens it.
    """
    if campaign.state != State.OPEN or not all_answered(campaign):
        return
    campaign.refresh_from_db(fields=["round"])
    if crowd_of(campaign).gives_places or not open_round(campaign, campaign.round, "the campaign"):
        finish_if_done(campaign)


def all_answered(campaign: Campaign) -> bool:
    """Whether no place of the rounds so far waits for an answer: a look at one index entry.

    A place of a HIT that asks nothing waits only as long as somebody has it open.
    """
    waiting = Place.objects.filter(campaign=campaign, free_at__isnull=False)
    return not waiting.exclude(hit__asks_nothing=True, free_at__lte=Now()).exists()


def finish_if_done(campaign: Campaign) -> bool:
    """Move an open campaign to finished once every HIT has all the answers it will get (rule P11).

    That is R of them, or fewer if the budget carries no further round. Returns whether it moved.
    """
    if campaign.state != State.OPEN or not all_answered(campaign):
        return False
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        hits = asked(locked).count()
        short = locked.target < locked.workers_per_item and hits > 0
        if (
            locked.state != State.OPEN
            or (short and not locked.out_of_money)
            or not all_answered(locked)
            or in_review(locked).exists()
        ):
            return False
        why = short_of_money(locked) or "every HIT has its answers"
        if left_out := locked.hits.count() - hits:
            why += f"; {left_out:,} HITs were given up"
        if locked.out_of_money and (missing := given_up(locked)):
            why += f"; {missing:,} answers that no longer count are not asked again"
        locked.move_to(State.FINISHED, "the campaign", why)
    campaign.state = State.FINISHED
    return True


def short_of_money(campaign: Campaign) -> str:
    """What the budget does not carry of the answers that it was to have; "": it carries all."""
    if not campaign.out_of_money:
        return ""
    reached, wanted = campaign.target, campaign.workers_per_item
    left = (campaign.budget or Decimal(0)) - money.committed(campaign)
    parts = []
    if reached < wanted:
        more = money.cost_of(campaign, min(campaign.round_size, wanted - reached))
        parts.append(
            f"every HIT has {reached} of {wanted} answers: a further round costs"
            f" {campaign.as_money(more.total)}, and {campaign.as_money(left)} is left of the budget"
            f" of {campaign.as_money(campaign.budget or Decimal(0))}"
        )
    if missing := given_up(campaign):
        parts.append(f"{missing:,} answers that no longer count are not asked again")
    return "; ".join(parts)


def state_told(campaign: Campaign) -> str:
    """The campaign's state; of one that ended for want of money, also how far it got."""
    if campaign.state == State.FINISHED and (short := short_of_money(campaign)):
        return f"{campaign.state} for want of money ({short})"
    return campaign.state


def in_review(campaign: Campaign) -> QuerySet[Assignment]:
    """Answers that wait for review; imported ones and those of a test are never reviewed."""
    waiting = Assignment.objects.filter(
        campaign=campaign, state=AssignmentState.SUBMITTED, outcome=Outcome.NONE, imported=False
    )
    return waiting.exclude(session__is_test=True)


def asked(campaign: Campaign) -> QuerySet[HIT]:
    """The HITs to which answers are asked (rule P18), see `ASKED`."""
    return HIT.objects.filter(ASKED, campaign=campaign)


def given_up(campaign: Campaign) -> int:
    """How many places the budget has given up of those that the rounds so far want."""
    wanted = campaign.target * asked(campaign).count()
    return max(wanted - Place.objects.filter(hit__in=asked(campaign)).count(), 0)


def waiting_places(campaign: Campaign) -> int:
    """How many places wait for workers: free ones and those of unopened rounds (rule P6).

    An import may have given a HIT places that the rounds to come would add.
    """
    places = Place.objects.filter(campaign=campaign, hit__asks_nothing=False)
    waiting = places.filter(free_at__lte=Now()).count()
    to_come = campaign.workers_per_item - campaign.target
    if campaign.out_of_money or not campaign.round or not to_come:  # round 0: filled by import
        return waiting
    ahead = (
        places.filter(hit__in=asked(campaign))
        .values("hit")
        .annotate(ahead=Least(Count("pk") - campaign.target, to_come))
        .filter(ahead__gt=0)
        .aggregate(n=Sum("ahead", default=0))
    )
    return waiting + to_come * asked(campaign).count() - ahead["n"]
