"""What a follow-up would ask and cost, from its source's counts alone: nothing is laid out."""

from collections import Counter
from dataclasses import dataclass

from tasks import money
from tasks.campaigns.follow_up import counted_pairs
from tasks.campaigns.freezing import FollowUp, Published, nothing_to_ask, seed_of
from tasks.campaigns.items import pictures
from tasks.models import Campaign


@dataclass(frozen=True)
class Forecast:
    """What publishing would lay out. `group_of`: every image of the source; `asked`: images.

    `usable`: how many controls there are to draw from.
    """

    published: Published
    group_of: dict[int, str]
    asked: set[int]
    labels: int
    usable: int
    seconds: float  # of all HITs together


def forecast(draft: Campaign, source: Campaign) -> Forecast:
    """The effect of publishing a follow-up as it stands, not saved. Raises Refused."""
    draft.seed = seed_of(draft)
    pairs = counted_pairs(source)
    plan = FollowUp.of(draft, source, pairs)
    if not plan.offered:
        raise nothing_to_ask(draft)
    hits, controls, usable = pictures(draft, plan.offered, pairs)
    seconds = [money.expected_seconds(draft.kind, len(hit)) for hit in hits]
    money.plan_session(draft, seconds)
    rewards = Counter(money.reward_of(draft, each) for each in seconds)
    r = draft.workers_per_item
    published = Published(
        images=len(plan.offered),
        pairs=sum(map(len, plan.offered.values())),
        hits=len(hits),
        controls=len(controls),
        groups=Counter(plan.draw.groups.values()),
        nothing_to_offer=plan.nothing_to_offer,
        first_round=money.cost_of_rewards(draft, rewards.items(), min(draft.round_size, r)),
        whole=money.cost_of_rewards(draft, rewards.items(), r),
    )
    shown = {label for labels in plan.offered.values() for label in labels}
    return Forecast(
        published, plan.draw.groups, set(plan.offered), len(shown), usable, sum(seconds)
    )
