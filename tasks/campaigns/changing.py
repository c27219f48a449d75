"""Changes a campaign that has been published: its texts, each logged with both its values."""

import json
from collections.abc import Mapping
from typing import Any

from tasks.models import Campaign, Transition
from tasks.models.campaign import State
from tasks.models.campaign_settings import SETTINGS

LATER = tuple(name for name, setting in SETTINGS.items() if setting.later)


def change(locked: Campaign, values: Mapping[str, Any], who: str) -> None:
    """Give a published campaign other texts; the caller holds its row lock.

    values: by setting, among LATER. What stays the same is not logged.
    """
    changed = {name: value for name, value in values.items() if getattr(locked, name) != value}
    Transition.objects.bulk_create(
        Transition(
            campaign=locked,
            subject=f"setting {name}",
            after="changed",
            who=who,
            why=json.dumps({"before": getattr(locked, name), "after": value}, ensure_ascii=False),
        )
        for name, value in changed.items()
    )
    for name, value in changed.items():
        setattr(locked, name, value)
    if changed:
        locked.save(update_fields=list(changed))


def cannot_change(campaign: Campaign, names: Mapping[str, Any]) -> list[str]:
    """Which of these settings can no longer be changed."""
    if campaign.state == State.DRAFT:
        return []
    return [name for name in names if campaign.state == State.CLOSED or name not in LATER]
