"""What a campaign's work pays and how long it takes, as a worker is told before they begin.

Of each campaign a bounded number of rows is read, by an index, however large it is.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.utils.translation import ngettext

from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.money import expected_seconds, reward_of
from tasks.pages.money import in_words
from tasks.sql.used import used

ENOUGH = 20  # used answers, from which on their pace is told instead of an estimate
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Offer:
    """A typical set (HIT) of a campaign; `wage` is per hour, of the last `answers` used answers.

    Where sessions are paid, it is one of those, of `sets` sets. With fewer than ENOUGH answers it
    is an estimate from the expected time (rule M8).
    """

    reward: Decimal
    seconds: float
    wage: Decimal
    answers: int
    currency: str = "USD"
    sets: int = 0  # 0: sets are paid, not sessions

    @property
    def time(self) -> str:
        """How long a set takes, as text: in steps of five seconds, from 90 seconds on minutes."""
        if self.seconds < 90:
            count = 5 * math.ceil(self.seconds / 5)
            return ngettext("{count} second", "{count} seconds", count).format(count=count)
        count = math.floor(self.seconds / 60 + 0.5)
        return ngettext("{count} minute", "{count} minutes", count).format(count=count)

    @property
    def pay(self) -> str:
        """The reward as text; "": the work is not paid."""
        return in_words(self.reward, self.currency) if self.reward else ""

    @property
    def hourly(self) -> str:
        return in_words(self.wage, self.currency)

    @property
    def is_estimate(self) -> bool:
        return self.answers < ENOUGH


# Free places lie in their index in random order, answers in the order of submission.
_TYPICAL = f"""
    SELECT c.id, free.reward, free.seconds, done.reward, done.seconds, done.wage, done.answers
    FROM unnest(%(campaigns)s::bigint[]) AS c (id)
    CROSS JOIN LATERAL (
      SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY reward) AS reward,
             percentile_disc(0.5) WITHIN GROUP (ORDER BY expected_seconds) AS seconds
      FROM (SELECT h.reward, h.expected_seconds
            FROM tasks_place p JOIN tasks_hit h ON h.id = p.hit_id
            WHERE p.campaign_id = c.id AND p.free_at IS NOT NULL
            ORDER BY p.round, p.shuffle LIMIT 50) next) free
    CROSS JOIN LATERAL (
      SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY reward) AS reward,
             percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY reward * 3600 / seconds) AS wage,
             count(*) AS answers
      FROM (SELECT h.reward, least(a.active_seconds, a.wall_seconds) AS seconds,
                   {used("a")} AS is_used
            FROM tasks_assignment a JOIN tasks_hit h ON h.id = a.hit_id
            WHERE a.campaign_id = c.id AND a.submitted_at IS NOT NULL
            ORDER BY a.submitted_at DESC, a.sequence DESC LIMIT 200) last
      WHERE is_used AND seconds > 0) done
"""


def offers(campaigns: Collection[Campaign]) -> dict[int, Offer]:
    """What each campaign offers, by its id, in one query."""
    by_id = {campaign.pk: campaign for campaign in campaigns}
    if not by_id:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TYPICAL, {"campaigns": list(by_id)})
        return {row[0]: _offer(by_id[row[0]], *row[1:]) for row in cursor.fetchall()}


def _offer(
    campaign: Campaign,
    reward: Decimal | None,
    expected: float | None,
    answered_reward: Decimal | None,
    seconds: float | None,
    wage: float | None,
    answers: int,
) -> Offer:
    """From free places and answers; a full set of the campaign stands in where there are none."""
    if expected is None:
        contains = campaign.kind == Kind.CONTAINS
        items = campaign.grid_size if contains else campaign.images_per_hit
        expected = expected_seconds(campaign.kind, items)
    if reward is None:
        reward = answered_reward
    if reward is None:
        reward = reward_of(campaign, expected)
    if answers < ENOUGH or seconds is None or wage is None:
        seconds, wage = expected, float(reward) * 3600 / expected if expected else 0.0
    if campaign.session_hits and campaign.session_reward is not None:
        return _session(campaign, seconds, answers)
    return Offer(reward, seconds, Decimal(wage).quantize(CENT), answers, campaign.in_currency)


def _session(campaign: Campaign, seconds: float, answers: int) -> Offer:
    """A session of sets that take `seconds` each, at the pace of so many answers."""
    sets, reward = campaign.session_hits or 1, campaign.session_reward or Decimal(0)
    whole = seconds * sets if answers >= ENOUGH else campaign.session_seconds or 0.0
    wage = float(reward) * 3600 / whole if whole else 0.0
    cents = Decimal(wage).quantize(CENT)
    return Offer(reward, whole, cents, answers, campaign.in_currency, sets)
