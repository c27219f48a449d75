"""Says what a change of a published campaign will do, before anybody makes it (rule P17)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Count

from tasks import money
from tasks.campaigns.changing import SCALE, changed_of, with_values
from tasks.crowds import crowd_of
from tasks.models import Campaign
from tasks.models.campaign import Kind, State
from tasks.work.rounds import all_answered, asked, next_target

SAID = {
    "assignment_minutes": "HITs begun from now on are kept for their worker at most {} minutes;"
    " nobody loses time that they were given.",
    "lifetime_days": "HITs put before the marketplace's workers from now on stay there {} days.",
    "auto_approval_days": "Of HITs accepted from now on, the marketplace accepts an answer that"
    " nobody has reviewed after {} days.",
    "title": "The marketplace's list shows the new title once it has been told.",
    "consent": "Whoever agreed to another text is asked again before their next HIT.",
    "instructions": "Workers who have a HIT open read the new text when they load it again.",
}


def consequences(campaign: Campaign, values: Mapping[str, Any]) -> list[str]:
    """What giving a published campaign these values will do, a sentence each; changes nothing."""
    changed = changed_of(campaign, values)
    after = with_values(campaign, changed)
    sentences: list[str] = []
    if "workers_per_item" in changed:
        sentences += _more_workers(campaign, after)
    if "budget" in changed:
        sentences += _other_budget(campaign, after)
    if SCALE & changed.keys() and campaign.round:
        sentences += _what_opens(campaign, after)
    unlisted = {"title"} if crowd_of(campaign).marketplace is None else set()
    said = [name for name in changed if name in SAID and name not in unlisted]
    return sentences + [SAID[name].format(changed[name]) for name in said]


def _more_workers(campaign: Campaign, after: Campaign) -> Iterator[str]:
    more = after.workers_per_item - campaign.workers_per_item
    if more <= 0:
        return
    cost = money.cost_of(campaign, more)
    hits = asked(campaign).count()
    yield (
        f"Each of its {hits:,} HITs gets {more:,} more answers, {after.workers_per_item:,} in all:"
        f" {cost.answers:,} answers more, for {cost}."
    )
    if campaign.kind == Kind.CONTAINS and after.judgments_needed != campaign.judgments_needed:
        yield (
            f"A follow-up groups an image from {after.judgments_needed:,} judgments of its dataset"
            f" label on, no longer from {campaign.judgments_needed:,}."
        )


def _other_budget(campaign: Campaign, after: Campaign) -> Iterator[str]:
    committed = campaign.as_money(money.committed(campaign))
    if after.budget is None:
        yield f"Nothing limits what it spends; {committed} are spent or promised now."
        return
    yield (
        f"It may spend {campaign.as_money(after.budget)}, fees included; {committed} of it are"
        " spent or promised now."
    )
    if money.raises(campaign.budget, after.budget) and campaign.confirmed_budget is not None:
        yield "By this you confirm that it spends real money, up to that sum."


def _what_opens(campaign: Campaign, after: Campaign) -> Iterator[str]:
    """What workers get at once, and where the budget ends the study."""
    again, left = _asked_again(campaign, after)
    if again:
        yield f"{again:,} answers that the budget had given up are asked again."
    each, tries = money.cost_of(campaign, 1).total, money.cost_of_practice(campaign, 1).total

    def carries(before: int, target: int) -> bool:
        """Whether the budget carries the round between these targets, and those before it (M5)."""
        cost = each * (target - campaign.target) + tries * (target - before)
        return left is None or cost <= left

    target = next_target(after)
    opens = False
    if target > campaign.target and not again and all_answered(campaign):
        opens = carries(campaign.target, target)
        cost = money.cost_of(campaign, target - campaign.target)
        if opens:
            yield f"The next round opens: {cost.answers:,} answers for {cost}."
        else:
            yield f"The budget still carries no further round: the next costs {cost}."
    if campaign.state == State.FINISHED and (opens or again):
        yield (
            "The study, which has finished, is open again. Its results stay as they are until it"
            " ends, and no follow-up of it can be published before."
        )
    elif campaign.state == State.PAUSED:
        yield "Nobody gets work before it is resumed."
    before = campaign.target
    while before < after.workers_per_item:
        target = min(before + after.round_size, after.workers_per_item)
        if not carries(before, target):
            to_come = money.cost_of(campaign, after.workers_per_item - campaign.target)
            yield (
                f"The budget ends it at {before:,} of {after.workers_per_item:,} answers to each"
                f" HIT: those still to come cost {to_come}."
            )
            return
        before = target


def _asked_again(campaign: Campaign, after: Campaign) -> tuple[int, Decimal | None]:
    """How many of the places that were given up the new budget carries, and what is then left.

    The cheapest come first, as when they are restored (rule M6). Left is None: nothing limits it.
    """
    left = None if after.budget is None else after.budget - money.committed(campaign)
    if not campaign.out_of_money:
        return 0, left
    again = 0
    hits = asked(campaign).annotate(lacking=campaign.target - Count("places")).filter(lacking__gt=0)
    for hit in hits.order_by("reward"):
        price = money.price(campaign, hit)
        carried = hit.lacking if left is None or not price else min(hit.lacking, int(left // price))
        again += carried
        left = None if left is None else left - carried * price
    return again, left
