"""How many sessions the open places of a campaign need, where sessions are what is paid (S4)."""

from decimal import ROUND_CEILING, Decimal

from django.db import connection

from tasks.crowds import crowd_of
from tasks.models import HIT, Campaign, Place
from tasks.money.costs import cost_of_practice, cost_of_sessions, sessions_for

# HITs that running sessions will still do: those kept for their worker at this moment, and the one
# beyond the session that its worker has open.
_TO_COME = """
    SELECT coalesce(sum(greatest(s.hits - work.done, 0) + work.beyond), 0) FROM tasks_session s
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE a.state = 'submitted' AND NOT a.is_extra) AS done,
             count(*) FILTER (WHERE a.state = 'open' AND a.is_extra) AS beyond
      FROM tasks_assignment a WHERE a.session_id = s.id) work
    WHERE s.campaign_id = %s AND s.outcome = '' AND NOT s.is_test
      AND s.kept_until > statement_timestamp()
"""


def sessions_wanted(campaign: Campaign) -> int:
    """How many people should still begin, beside those who are in a session, for the rounds so far.

    As many full sessions as the unanswered places need that no running session will take.
    """
    return sessions_for(campaign, max(_untaken(campaign), 0))


def offered(campaign: Campaign) -> int:
    """How many people may still begin by what their marketplace was last told; 0 without one."""
    market = crowd_of(campaign).session_market
    return market.may_begin(campaign) if market is not None else 0


def price_of_newcomer(campaign: Campaign) -> Decimal:
    """What whoever begins costs at most, without bonuses.

    A marketplace sends strangers, who need all tries at a practice.
    """
    strangers = 0 if crowd_of(campaign).session_market is None else 1
    return cost_of_sessions(campaign, 1).total + cost_of_practice(campaign, strangers).total


def needs_another(campaign: Campaign) -> bool:
    """Whether there is work for one more session beside those that run, in this round or another.

    Else whoever begins would only take the last HITs from people who are in a session, and each
    session is paid as a whole.
    """
    rounds = campaign.workers_per_item - campaign.target
    to_come = 0 if campaign.out_of_money else rounds * HIT.objects.filter(campaign=campaign).count()
    return _untaken(campaign) + to_come > 0


def places_beyond(campaign: Campaign, amount: Decimal) -> int:
    """How many free places must go so that the sessions for the rest cost less by `amount`."""
    price = cost_of_sessions(campaign, 1).total
    if amount <= 0 or not price:
        return 0
    fewer = int((amount / price).to_integral_value(ROUND_CEILING))
    left = max(sessions_wanted(campaign) - fewer, 0) * (campaign.session_hits or 1)
    return max(_untaken(campaign) - left, 0)


def _untaken(campaign: Campaign) -> int:
    """How many unanswered places no running session will take; below 0: sessions find too few."""
    unanswered = Place.objects.filter(campaign=campaign, free_at__isnull=False).count()
    with connection.cursor() as cursor:
        cursor.execute(_TO_COME, [campaign.pk])
        return unanswered - int(cursor.fetchone()[0])
