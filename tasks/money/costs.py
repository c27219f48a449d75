"""What answers cost: expected time, rewards, fees and VAT. Always Decimal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import partial

from django.conf import settings
from django.db.models import Avg, Count

from tasks.crowds import crowd_of
from tasks.models import HIT, Campaign, PracticeHIT
from tasks.models.campaign import Kind
from tasks.models.hit import ASKED
from tasks.models.sums import CENT
from tasks.models.sums import in_words as usd

HOUR = 3600  # seconds


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


AGAIN = Decimal("0.1")  # share of the answers that a study may well have to ask again


def budget_told(budget: Decimal | None, whole: Cost) -> str:
    """How far a budget carries all the answers, whose cost is `whole`, in sentences.

    Answers that are paid but set aside are asked again, so `whole` suffices if there are none.
    """
    if budget is None:
        return "Budget: none."
    sum_of = partial(usd, currency=whole.currency)
    told = f"Budget: {sum_of(budget)}"
    more = (whole.total * (1 + AGAIN)).quantize(CENT, ROUND_CEILING)
    if budget < whole.total:
        return f"{told}: the study ends early, for want of {sum_of(whole.total - budget)}."
    if budget < more:
        return (
            f"{told}, which leaves {sum_of(budget - whole.total)} for answers that are set aside"
            " and asked again: with more of them the study ends early."
            f" {sum_of(more)} carries one in ten."
        )
    return f"{told}."


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


def plan_session(campaign: Campaign, seconds: Sequence[float]) -> None:
    """Set, not save, what a session is and pays; `seconds`: expected, of each HIT (rule S1).

    So many HITs of the mean expected time as come nearest to `session_minutes`, at least one, at
    most all.
    """
    crowd = crowd_of(campaign)
    if not crowd.pays_by_session or not seconds:
        return
    mean = sum(seconds) / len(seconds)
    nearest = max(1, math.floor(campaign.session_minutes * 60 / mean + 0.5))
    campaign.session_hits = min(nearest, len(seconds))
    campaign.session_seconds = mean * campaign.session_hits
    by_wage = campaign.wage * Decimal(repr(campaign.session_seconds)) / HOUR
    if campaign.reward is None:
        campaign.session_reward = crowd.round_reward(by_wage)
    else:
        campaign.session_reward = campaign.reward


def fix_session(campaign: Campaign) -> None:
    """Fix what a session is and pays, from the HITs just laid out.

    With `reward` given, a HIT is worth its share of that instead of the wage.
    """
    hits = HIT.objects.filter(campaign=campaign)
    plan_session(campaign, list(hits.values_list("expected_seconds", flat=True)))
    if campaign.session_hits is None or not campaign.session_seconds:
        return
    campaign.save(update_fields=["session_hits", "session_seconds", "session_reward"])
    if campaign.reward is not None:
        for seconds in set(hits.order_by().values_list("expected_seconds", flat=True)):
            share = Decimal(repr(seconds / campaign.session_seconds))
            worth = (campaign.reward * share).quantize(CENT, ROUND_CEILING)
            hits.filter(expected_seconds=seconds).update(reward=worth)


def session_in_words(campaign: Campaign) -> str:
    """What a session is and pays, as a sentence; "": the campaign has none."""
    if campaign.session_reward is None or campaign.session_hits is None:
        return ""
    minutes = (campaign.session_seconds or 0.0) / 60
    hits = "1 HIT" if campaign.session_hits == 1 else f"{campaign.session_hits} HITs"
    pay = campaign.as_money(campaign.session_reward)
    worth = HIT.objects.filter(campaign=campaign).aggregate(mean=Avg("reward"))["mean"]
    more = campaign.as_money(Decimal(worth or 0).quantize(CENT))
    further = f", and each HIT beyond it about {more}" if campaign.continue_for_bonus else ""
    return f"A session has {hits}, takes about {minutes:.0f} minutes and pays {pay}{further}."


def cost_of(campaign: Campaign, answers: int) -> Cost:
    """The cost of `answers` answers to each of the campaign's HITs that are asked."""
    hits = HIT.objects.filter(ASKED, campaign=campaign).order_by()
    return cost_of_rewards(campaign, hits.values_list("reward").annotate(Count("pk")), answers)


def cost_of_rewards(campaign: Campaign, hits: Iterable[tuple[Decimal, int]], answers: int) -> Cost:
    """The cost of `answers` answers to each of so many HITs of each reward.

    Where sessions are paid, it is that of as many full sessions as hold them; of a draft that is
    not laid out, of what its HITs are worth.
    """
    if campaign.session_hits:
        number = sum(count for _, count in hits) * answers
        return cost_of_sessions(campaign, sessions_for(campaign, number), number)
    total = Cost(currency=campaign.in_currency)
    for reward, number in hits:
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
