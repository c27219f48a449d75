"""Every setting of a campaign, declared once: what it means, its type, default, bounds and rules.

The API's fields, `create_campaign`, the admin's form, the model's defaults and bounds, and the
table in docs/campaigns.md are made from `SETTINGS`. To add a setting, add an entry, and a column to
the model. Settings of what is asked: asked_settings.py; of the crowd: crowd_settings.py; of what
workers read: text_settings.py. Those that have parts: setting_groups.py, crowd_setting_groups.py;
the words of the declaration: setting_types.py. These modules import nothing else.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.models.asked_settings import CLASSIFY, CONTAINS, KINDS, WHAT_IS_ASKED
from tasks.models.crowd_settings import WHO_ANSWERS, WORK_AND_PAY
from tasks.models.setting_types import NOT_SET, Choice, Named, Problem, Rule, Setting, Slug, Text
from tasks.models.text_settings import WHAT_WORKERS_READ

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("name", "Name", Text(200), "What researchers call the campaign."),
        Setting(
            "slug",
            "Slug",
            Slug(100),
            "Its name in addresses and commands. If not given, it is made from the name.",
            default=NOT_SET,
        ),
        Setting("dataset", "Dataset", Named("dataset"), "Whose images are asked about."),
        Setting("kind", "Kind", Choice(KINDS), "What workers are asked."),
        *WHO_ANSWERS,
        Setting(
            "source",
            "Source",
            Named("campaign"),
            "The CONTAINS campaign that this one follows.",
            default=None,
            null=True,
            kinds=CLASSIFY,
        ),
        *WHAT_IS_ASKED,
        *WORK_AND_PAY,
        *WHAT_WORKERS_READ,
    )
}

# The campaign's own texts, each one or one for each language.
TEXTS = tuple(
    name
    for name, setting in SETTINGS.items()
    if isinstance(setting.type, Text) and setting.type.by_language
)


def default_of(name: str) -> Any:
    """What a campaign has if the setting is not given; a copy, which may be changed."""
    return copy.deepcopy(SETTINGS[name].default)


def _has_a_slug(values: Mapping[str, Any]) -> Problem | None:
    if values["slug"]:
        return None
    return "slug", "The name makes none: give one of letters, digits and hyphens."


def _only_classify_follows(values: Mapping[str, Any]) -> Problem | None:
    if values["source"] is None or values["kind"] in CLASSIFY:
        return None
    return "source", "Only a campaign of kind classify follows another."


def _controls_come_from_others(values: Mapping[str, Any]) -> Problem | None:
    if values["slug"] not in (values["controls"] or {}).get("campaigns", []):
        return None
    return "controls.campaigns", "A campaign cannot give controls to itself."


def _only_contains_practises(values: Mapping[str, Any]) -> Problem | None:
    if not values["practice"] or values["kind"] in CONTAINS:
        return None
    return "practice", "Only a campaign of kind contains has a practice."


def _workers_come_from_others(values: Mapping[str, Any]) -> Problem | None:
    for name in ("exclude_workers_of", "only_workers_of"):
        if values["slug"] in values[name]:
            return name, "A campaign cannot name itself."
    both = [slug for slug in values["exclude_workers_of"] if slug in values["only_workers_of"]]
    return ("exclude_workers_of", f"{both[0]} is in only_workers_of too.") if both else None


RULES: tuple[Rule, ...] = (
    *(_has_a_slug, _only_classify_follows, _controls_come_from_others),
    *(_only_contains_practises, _workers_come_from_others),
)


def missing_to_publish(
    values: Mapping[str, Any],
    *,
    paid_crowd: bool,
    production: bool = False,
    needs: Iterable[str] = (),
) -> list[Problem]:
    """Settings that a draft may lack and a published campaign needs; `needs`: its crowd's own."""
    missing = [(name, f"it has no {name}") for name in needs if not values[name]]
    if paid_crowd and values["budget"] is None:
        missing.append(("budget", "it has no budget"))
    if production and not values["contact"]:
        missing.append(("contact", "it names no contact, whom its workers can ask"))
    return missing
