"""Changes a campaign that has been published: texts, R, budget and deadlines (rule P17).

Each change is logged with both its values. What it will do: consequences.py.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.text import capfirst

from tasks import money
from tasks.crowds import crowd_of, is_production
from tasks.models import Campaign, Transition
from tasks.models.campaign import State
from tasks.models.campaign_settings import SETTINGS, missing_to_publish
from tasks.models.refused import Refused
from tasks.models.setting_types import Problem
from tasks.work.rounds import go_further, next_target

LATER = tuple(name for name, setting in SETTINGS.items() if setting.later)
SCALE = {"workers_per_item", "budget"}  # what decides how many answers are asked


class CannotChange(Refused):
    """A published campaign cannot have these values; `problems` by setting."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in problems))
        self.problems = problems


def cannot_change(campaign: Campaign, names: Mapping[str, Any]) -> list[str]:
    """Which of these settings can no longer be changed."""
    if campaign.state == State.DRAFT:
        return []
    return [name for name in names if campaign.state == State.CLOSED or name not in LATER]


def changed_of(campaign: Campaign, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the campaign does not have yet."""
    return {name: value for name, value in values.items() if getattr(campaign, name) != value}


def with_values(campaign: Campaign, changed: Mapping[str, Any]) -> Campaign:
    """A copy of the row with other values, not saved."""
    after = copy(campaign)
    for name, value in changed.items():
        setattr(after, name, value)
    return after


def change(
    campaign: Campaign,
    values: Mapping[str, Any],
    who: str,
    raising: Callable[[], object] = lambda: None,
) -> bool:
    """Give a published campaign other values, all or none; whether any is another.

    values: by setting, among LATER. `raising` is called before the budget is raised, and may refuse
    it. With a higher R or budget the campaign goes on at once, or opens again. Raises CannotChange.
    """
    real = is_production(campaign)
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        changed = changed_of(locked, values)
        if problems := problems_of_change(locked, changed, real):
            raise CannotChange(problems)
        after = with_values(locked, changed)
        raised = money.raises(locked.budget, after.budget)
        if raised:
            raising()
        Transition.objects.bulk_create(
            Transition(
                campaign=locked,
                subject=f"setting {name}",
                after="changed",
                who=who,
                why=json.dumps(
                    {"before": getattr(locked, name), "after": value},
                    ensure_ascii=False,
                    default=str,
                ),
            )
            for name, value in changed.items()
        )
        if changed:
            after.save(update_fields=list(changed))
        if raised and after.confirmed_budget is not None:
            money.confirm(after, real, real, after.budget, who)
        if SCALE & changed.keys():
            go_further(after, who, f"changed: {', '.join(sorted(SCALE & changed.keys()))}")
    campaign.refresh_from_db()
    return bool(changed)


def problems_of_change(
    campaign: Campaign, changed: Mapping[str, Any], production: bool
) -> list[Problem]:
    """Why a published campaign cannot have these values, at most one sentence for a setting."""
    problems: dict[str, str] = {}
    for name, sentence in _problems(campaign, changed, production):
        problems.setdefault(name, sentence)
    return list(problems.items())


def _problems(
    campaign: Campaign, changed: Mapping[str, Any], production: bool
) -> Iterator[Problem]:
    after = with_values(campaign, changed)
    if "budget" in changed and not money.raises(campaign.budget, after.budget):
        least = money.committed(campaign)
        if after.budget is not None and after.budget < least:
            yield (
                "budget",
                f"It cannot be less than {campaign.as_money(least)}: that is spent or promised.",
            )
    given = {name: getattr(after, name) for name in ("budget", "contact")}
    paid = crowd_of(campaign).pays
    for name, sentence in missing_to_publish(given, paid_crowd=paid, production=production):
        if name in changed:
            yield name, f"{capfirst(sentence)}."
    if "workers_per_item" not in changed:
        return
    if after.workers_per_item < campaign.workers_per_item:
        yield "workers_per_item", f"It can only be raised: it is {campaign.workers_per_item}."
    elif not campaign.round:
        yield "workers_per_item", "Its answers were imported: it asks nobody."
    elif campaign.state == State.FINISHED:
        cost = round_cost(campaign, next_target(after) - campaign.target)
        if money.over(after, cost):
            yield (
                "workers_per_item",
                f"The study has finished, and its budget carries no further round, which costs"
                f" {campaign.as_money(cost)}: raise the budget as well.",
            )


def round_cost(campaign: Campaign, answers: int) -> Decimal:
    """What a budget must carry so that a round of that many answers to each HIT opens (M5)."""
    cost = money.cost_of(campaign, answers)
    return cost.total + money.cost_of_practice(campaign, cost.sessions or answers).total
