"""What answers cost: expected time, rewards and fees. US dollars, always Decimal."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db.models import Count

from tasks.crowds import Crowd, crowd_of
from tasks.models import HIT, Campaign, PracticeHIT
from tasks.models.campaign import Kind
from tasks.models.hit import ASKED

HOUR = 3600  # seconds
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Cost:
    """The cost of a number of answers."""

    answers: int = 0
    rewards: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.rewards + self.fees

    @property
    def beside(self) -> str:
        """What to add to the cost of a round of which this is the practice; "": there is none."""
        return f" and the practice of new people {self}" if self.answers else ""

    def __str__(self) -> str:
        fees = f" (rewards {usd(self.rewards)}, fees {usd(self.fees)})" if self.fees else ""
        return f"{usd(self.total)}{fees}"


def usd(amount: Decimal) -> str:
    """An amount as people read it; with fractions of a cent only if there are any."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents:,}" if cents == amount else f"${amount.normalize():,f}"


AGAIN = Decimal("0.1")  # share of the answers that a study may well have to ask again


def budget_told(budget: Decimal | None, whole: Cost) -> str:
    """How far a budget carries all the answers, whose cost is `whole`, in sentences.

    Answers that are paid but set aside are asked again, so `whole` suffices if there are none.
    """
    if budget is None:
        return "Budget: none."
    told = f"Budget: {usd(budget)}"
    more = (whole.total * (1 + AGAIN)).quantize(CENT, ROUND_CEILING)
    if budget < whole.total:
        return f"{told}: the study ends early, for want of {usd(whole.total - budget)}."
    if budget < more:
        return (
            f"{told}, which leaves {usd(budget - whole.total)} for answers that are set aside and"
            f" asked again: with more of them the study ends early. {usd(more)} carries one in ten."
        )
    return f"{told}."


def expected_seconds(kind: str, items: int) -> float:
    """Seconds that a HIT of `items` tiles (CONTAINS) or images (CLASSIFY) should take (rule M4)."""
    each = settings.SECONDS_PER_TILE if kind == Kind.CONTAINS else settings.SECONDS_PER_IMAGE
    return settings.SECONDS_PER_HIT + each * items


def reward_of(campaign: Campaign, seconds: float) -> Decimal:
    """The reward of a HIT expected to take `seconds`: the campaign's, else its wage times that.

    The latter is rounded up to an amount that the crowd pays (rule M4).
    """
    if campaign.reward is not None:
        return campaign.reward
    return crowd_of(campaign).round_reward(campaign.wage * Decimal(repr(seconds)) / HOUR)


def cost_of(campaign: Campaign, answers: int) -> Cost:
    """The cost of `answers` answers to each of the campaign's HITs that are asked."""
    hits = HIT.objects.filter(ASKED, campaign=campaign).order_by()
    return cost_of_rewards(campaign, hits.values_list("reward").annotate(Count("pk")), answers)


def cost_of_rewards(campaign: Campaign, hits: Iterable[tuple[Decimal, int]], answers: int) -> Cost:
    """The cost of `answers` answers to each of so many HITs of each reward."""
    crowd = crowd_of(campaign)
    total = Cost()
    for reward, number in hits:
        total = _plus(total, crowd, reward, number * answers)
    return total


def cost_of_practice(campaign: Campaign, people: int) -> Cost:
    """The cost of a practice in which `people` people need all of their tries."""
    crowd = crowd_of(campaign)
    total = Cost()
    for hit in campaign.practice_hits.all():
        total = _plus(total, crowd, hit.reward, people)
    return total


def _plus(cost: Cost, crowd: Crowd, reward: Decimal, answers: int) -> Cost:
    return Cost(
        cost.answers + answers,
        cost.rewards + reward * answers,
        cost.fees + crowd.fee(reward) * answers,
    )


def price(campaign: Campaign, hit: HIT | PracticeHIT) -> Decimal:
    """The cost of one answer to the HIT, or of one try at it, with the fee."""
    return hit.reward + crowd_of(campaign).fee(hit.reward)
