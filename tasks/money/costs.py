"""What answers cost: expected time, rewards, fees and VAT. Always Decimal."""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db.models import Avg, Count

from tasks.crowds import crowd_of
from tasks.models import HIT, Campaign, PracticeHIT
from tasks.models.campaign import Kind

HOUR = 3600  # seconds
CENT = Decimal("0.01")
SIGNS = {"USD": "$", "GBP": "£", "EUR": "€"}


@dataclass(frozen=True)
class Cost:
    """The cost of a number of answers; `sessions`: in how many, where those are what is paid."""

    answers: int = 0
    rewards: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    vat: Decimal = Decimal(0)
    sessions: int = 0
    currency: str = "USD"

    @property
    def total(self) -> Decimal:
        return self.rewards + self.fees + self.vat

    @property
    def beside(self) -> str:
        """What to add to the cost of a round of which this is the practice; "": there is none."""
        return f" and the practice of new people {self}" if self.answers else ""

    def __str__(self) -> str:
        parts = [("rewards", self.rewards), ("fees", self.fees), ("VAT", self.vat)]
        apart = ", ".join(f"{what} {usd(sum_, self.currency)}" for what, sum_ in parts if sum_)
        fees = f" ({apart})" if self.fees else ""
        return f"{usd(self.total, self.currency)}{fees}"


def usd(amount: Decimal, currency: str = "USD") -> str:
    """An amount as people read it; with fractions of a cent only if there are any.

    >>> usd(Decimal("1234.5")), usd(Decimal("3"), "GBP"), usd(Decimal("3"), "CHF")
    ('$1,234.50', '£3.00', 'CHF 3.00')
    """
    sign = SIGNS.get(currency, f"{currency} ")
    cents = amount.quantize(CENT)
    return f"{sign}{cents:,}" if cents == amount else f"{sign}{amount.normalize():,f}"


def expected_seconds(kind: str, items: int) -> float:
    """Seconds that a HIT of `items` tiles (CONTAINS) or images (CLASSIFY) should take (rule M4)."""
    each = settings.SECONDS_PER_TILE if kind == Kind.CONTAINS else settings.SECONDS_PER_IMAGE
    return settings.SECONDS_PER_HIT + each * items


def reward_of(campaign: Campaign, seconds: float) -> Decimal:
    """The reward of a HIT expected to take `seconds`: the campaign's, else its wage times that.

    The latter is rounded up to an amount that the crowd pays (rule M4). Where sessions are paid,
    the campaign's is for a session, and this is what the HIT is worth in parts and bonuses (S2).
    """
    crowd = crowd_of(campaign)
    if campaign.reward is not None and not crowd.pays_by_session:
        return campaign.reward
    return crowd.round_reward(campaign.wage * Decimal(repr(seconds)) / HOUR)


def fix_session(campaign: Campaign) -> None:
    """Fix how many HITs a session has and what it pays, from the HITs just laid out (rule S1).

    So many HITs of the mean expected time as come nearest to `session_minutes`, at least one, at
    most all. With `reward` given, a HIT is worth its share of that instead of the wage.
    """
    crowd = crowd_of(campaign)
    hits = HIT.objects.filter(campaign=campaign)
    mean = hits.aggregate(mean=Avg("expected_seconds"))["mean"]
    if not crowd.pays_by_session or not mean:
        return
    nearest = max(1, math.floor(campaign.session_minutes * 60 / mean + 0.5))
    campaign.session_hits = min(nearest, hits.count())
    campaign.session_seconds = mean * campaign.session_hits
    by_wage = campaign.wage * Decimal(repr(campaign.session_seconds)) / HOUR
    campaign.session_reward = campaign.reward or crowd.round_reward(by_wage)
    campaign.save(update_fields=["session_hits", "session_seconds", "session_reward"])
    if campaign.reward is not None:
        for seconds in set(hits.order_by().values_list("expected_seconds", flat=True)):
            share = Decimal(repr(seconds / campaign.session_seconds))
            worth = (campaign.reward * share).quantize(CENT, ROUND_CEILING)
            hits.filter(expected_seconds=seconds).update(reward=worth)


def cost_of(campaign: Campaign, answers: int) -> Cost:
    """The cost of `answers` answers to each of the campaign's HITs.

    Where sessions are paid, it is that of as many full sessions as hold them.
    """
    hits = HIT.objects.filter(campaign=campaign).order_by()
    if crowd_of(campaign).pays_by_session:
        number = hits.count() * answers
        return cost_of_sessions(campaign, sessions_for(campaign, number), number)
    total = Cost(currency=campaign.in_currency)
    for reward, number in hits.values_list("reward").annotate(Count("pk")):
        total = _plus(total, campaign, reward, number * answers)
    return total


def sessions_for(campaign: Campaign, answers: int) -> int:
    """How many sessions so many answers need."""
    return -(-answers // (campaign.session_hits or 1))


def cost_of_sessions(campaign: Campaign, sessions: int, answers: int = 0) -> Cost:
    """The base pay of that many sessions, with fees."""
    reward = campaign.session_reward or Decimal(0)
    fee, vat = surcharges(campaign, reward)
    return Cost(
        answers, reward * sessions, fee * sessions, vat * sessions, sessions, campaign.in_currency
    )


def cost_of_practice(campaign: Campaign, people: int) -> Cost:
    """The cost of a practice in which `people` people need all of their tries."""
    total = Cost(currency=campaign.in_currency)
    for hit in campaign.practice_hits.all():
        total = _plus(total, campaign, hit.reward, people)
    return total


def _plus(cost: Cost, campaign: Campaign, reward: Decimal, answers: int) -> Cost:
    fee, vat = surcharges(campaign, reward)
    return Cost(
        cost.answers + answers,
        cost.rewards + reward * answers,
        cost.fees + fee * answers,
        cost.vat + vat * answers,
        cost.sessions,
        cost.currency,
    )


def surcharges(campaign: Campaign, amount: Decimal) -> tuple[Decimal, Decimal]:
    """The marketplace's fee on an amount, and the VAT on that."""
    crowd = crowd_of(campaign)
    return crowd.fee(amount, campaign), crowd.vat(amount, campaign)


def price_of(campaign: Campaign, amount: Decimal) -> Decimal:
    """An amount with its fee and VAT."""
    return amount + sum(surcharges(campaign, amount), Decimal(0))


def price(campaign: Campaign, hit: HIT | PracticeHIT) -> Decimal:
    """The cost of one answer to the HIT, or of one try at it, with the fee."""
    return price_of(campaign, hit.reward)
