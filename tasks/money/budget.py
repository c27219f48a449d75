"""The hard budget: what a campaign has spent or must still spend, and by how much it is over.

The budget holds because every step that could cost more (a round, a place given out again, a
session, a bonus) asks `over` or `beyond` while it holds the lock on the campaign's row. An answer
need not ask: the price of its place, or of its session, only becomes a debt.
"""

from collections.abc import Iterable
from decimal import Decimal

from django.db import connection
from django.db.models import Sum

from tasks.crowds import crowd_of
from tasks.models import Campaign, Payment
from tasks.models.session import ENDED_THERE
from tasks.money.costs import cost_of_sessions, price_of
from tasks.money.sessions import offered, price_of_newcomer, sessions_wanted
from tasks.sql.used import handed_in


def spent(campaign: Campaign) -> Decimal:
    """Everything in the ledger: paid or owed."""
    return campaign.payments.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def spent_by(campaigns: Iterable[Campaign]) -> dict[int, Decimal]:
    """What each campaign has spent, by its id; those with nothing in the ledger are missing."""
    payments = Payment.objects.filter(campaign__in=[c.pk for c in campaigns]).order_by()
    return dict(payments.values_list("campaign").annotate(Sum("amount")))


# What one statement adds up is of one snapshot: an answer is counted by its place or by its
# payment, a session by its promise or by its payment, never by both. Each row: a reward whose fee
# comes on top, and how often it is still to be paid; first the ledger, whose sum is whole.
_LEDGER = """
    SELECT NULL, sum(p.amount) FROM tasks_payment p WHERE p.campaign_id = %(campaign)s
"""
_TRIES = """
    SELECT h.reward, count(*) FROM tasks_practicetry t
    JOIN tasks_practicehit h ON h.id = t.hit_id
    WHERE h.campaign_id = %(campaign)s AND t.submitted_at IS NULL
      AND t.expires_at > statement_timestamp()
    GROUP BY h.reward
"""
# Imported answers were paid elsewhere.
_BY_HIT = f"""
    {_LEDGER}
    UNION ALL
    SELECT h.reward, count(*) FROM tasks_place p
    JOIN tasks_hit h ON h.id = p.hit_id
    LEFT JOIN tasks_assignment a ON a.id = p.holder_id AND p.free_at IS NULL
    WHERE p.campaign_id = %(campaign)s AND (a.id IS NULL OR a.outcome = '' AND NOT a.imported)
    GROUP BY h.reward
    UNION ALL
    SELECT h.reward, count(*) FROM tasks_assignment a
    JOIN tasks_hit h ON h.id = a.hit_id
    LEFT JOIN tasks_place p ON p.holder_id = a.id AND p.free_at IS NULL
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL AND a.outcome = ''
      AND NOT a.imported AND p.id IS NULL
      AND (a.state = 'submitted' OR {handed_in()})
    GROUP BY h.reward
    UNION ALL {_TRIES}
"""
# A session that is worked on, or of which something is answered, may yet cost all of its pay; at a
# marketplace so may any that has not ended there, for it approves what nobody decides.
_ENDED_THERE = ", ".join(f"'{status}'" for status in ENDED_THERE)
_BY_SESSION = f"""
    {_LEDGER}
    UNION ALL
    SELECT s.reward, count(*) FROM tasks_session s
    WHERE s.campaign_id = %(campaign)s AND NOT s.is_test AND (
      s.settled_at IS NULL AND (
        s.kept_until > statement_timestamp() OR s.outcome = 'done' OR EXISTS (
          SELECT FROM tasks_assignment a WHERE a.session_id = s.id AND (
            a.state = 'submitted' OR a.state = 'open' AND a.expires_at > statement_timestamp())))
      OR s.study <> '' AND s.market_state NOT IN ({_ENDED_THERE}))
    GROUP BY s.reward
    UNION ALL
    SELECT h.reward, count(*) FROM tasks_assignment a
    JOIN tasks_hit h ON h.id = a.hit_id
    JOIN tasks_session s ON s.id = a.session_id
    WHERE a.campaign_id = %(campaign)s AND a.is_extra AND NOT s.is_test AND (
      a.state = 'open' AND a.expires_at > statement_timestamp()
      OR a.state = 'submitted' AND a.outcome = '')
    GROUP BY h.reward
    UNION ALL {_TRIES}
"""


def committed(campaign: Campaign) -> Decimal:
    """What is in the ledger, and what answers and practice still to come or in review will cost.

    Where sessions are paid: with those that the open places of the rounds so far need, or that the
    marketplace still lets begin.
    """
    if not crowd_of(campaign).pays_by_session:
        return _sum(campaign, _BY_HIT)
    wanted = cost_of_sessions(campaign, sessions_wanted(campaign)).total
    return held(campaign) + max(wanted, _for_offers(campaign))


def held(campaign: Campaign) -> Decimal:
    """Where sessions are paid: what is in the ledger, and what was promised to people."""
    return _sum(campaign, _BY_SESSION)


def _for_offers(campaign: Campaign) -> Decimal:
    """What whoever may still begin at the marketplace will cost."""
    return price_of_newcomer(campaign) * offered(campaign)


def _sum(campaign: Campaign, statement: str) -> Decimal:
    total = Decimal(0)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"campaign": campaign.pk})
        for reward, number in cursor.fetchall():
            if reward is None:
                total += number or 0
            else:
                total += price_of(campaign, reward) * int(number)
    return total


def raises(before: Decimal | None, after: Decimal | None) -> bool:
    """Whether a change of budget lets a campaign spend more; None: no limit."""
    return before is not None and (after is None or after > before)


def over(campaign: Campaign, more: Decimal = Decimal(0)) -> Decimal:
    """By how much the campaign would exceed its budget if it cost `more`; 0: it is within.

    The caller holds the campaign's row lock, and has read the row under it.
    """
    if campaign.budget is None:
        return Decimal(0)
    return max(committed(campaign) + more - campaign.budget, Decimal(0))


def beyond(campaign: Campaign, more: Decimal, beside_offers: bool = False) -> Decimal:
    """By how much promising `more` to a person would exceed the budget, whatever is still to offer.

    With `beside_offers`: if all begin who may at the marketplace. Without, `more` is for one of
    them. For a crowd that is paid by the session; locks as for `over`.
    """
    if campaign.budget is None:
        return Decimal(0)
    if beside_offers:
        more += _for_offers(campaign)
    return max(held(campaign) + more - campaign.budget, Decimal(0))
