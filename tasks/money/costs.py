"""What answers cost: expected time, rewards and fees. US dollars, always Decimal."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import Count

from tasks.crowds import Crowd, crowd_of
from tasks.models import HIT, Campaign
from tasks.models.campaign import Kind

HOUR = 3600  # seconds


@dataclass(frozen=True)
class Cost:
    """What so many answers cost."""

    answers: int = 0
    rewards: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.rewards + self.fees

    def __str__(self) -> str:
        fees = f" (rewards {usd(self.rewards)}, fees {usd(self.fees)})" if self.fees else ""
        return f"{usd(self.total)}{fees}"


def usd(amount: Decimal) -> str:
    """An amount as people read it; fractions of a cent only where there are any."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents:,}" if cents == amount else f"${amount.normalize():,f}"


def expected_seconds(kind: str, items: int) -> float:
    """How long a HIT of so many tiles (CONTAINS) or images (CLASSIFY) should take, in seconds."""
    each = settings.SECONDS_PER_TILE if kind == Kind.CONTAINS else settings.SECONDS_PER_IMAGE
    return settings.SECONDS_PER_HIT + each * items


def reward_of(campaign: Campaign, seconds: float) -> Decimal:
    """The reward of a HIT that should take so long: the campaign's, else from its wage.

    Rounded up as its crowd pays.
    """
    if campaign.reward is not None:
        return campaign.reward
    return crowd_of(campaign).round_reward(campaign.wage * Decimal(repr(seconds)) / HOUR)


def cost_of(campaign: Campaign, answers: int) -> Cost:
    """What so many answers to each of the campaign's HITs cost."""
    crowd = crowd_of(campaign)
    hits = HIT.objects.filter(campaign=campaign).order_by()
    total = Cost()
    for reward, number in hits.values_list("reward").annotate(Count("pk")):
        total = _plus(total, crowd, reward, number * answers)
    return total


def _plus(cost: Cost, crowd: Crowd, reward: Decimal, answers: int) -> Cost:
    return Cost(
        cost.answers + answers,
        cost.rewards + reward * answers,
        cost.fees + crowd.fee(reward) * answers,
    )


def price(campaign: Campaign, hit: HIT) -> Decimal:
    """What one answer to the HIT costs, with the fee."""
    return hit.reward + crowd_of(campaign).fee(hit.reward)
