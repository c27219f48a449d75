"""The steps in which a campaign is made, and the settings of each."""

from dataclasses import dataclass

from tasks.models import Campaign
from tasks.models.campaign_settings import SETTINGS
from tasks.models.setting_types import Setting


@dataclass(frozen=True)
class Step:
    """One step: its name in addresses, its title, and the settings it asks; `more` are folded."""

    name: str
    title: str
    asks: tuple[str, ...]
    more: tuple[str, ...] = ()


STEPS = (
    Step(
        "asked",
        "What is asked",
        ("name", "images", "follow_up", "min_relative_sf"),
        ("min_judgments",),
    ),
    Step("candidates", "Candidates", ("candidates", "max_offered"), ()),
    Step(
        "page",
        "The worker's page",
        ("title", "instructions", "contact", "languages"),
        (
            *("content_warning", "consent", "description", "keywords", "maybe", "grid_size"),
            *("max_sections", "images_per_hit"),
        ),
    ),
    Step(
        "quality",
        "Quality",
        ("workers_per_item", "controls", "practice"),
        ("round_size", "review_sample", "rejection"),
    ),
    Step(
        "crowd",
        "Crowd and money",
        ("crowd", "open", "panel", "session_minutes", "wage", "budget"),
        (
            *("reward", "currency", "continue_for_bonus", "max_share_per_worker"),
            *("exclude_workers_of", "only_workers_of"),
            *("sandbox", "assignment_minutes", "lifetime_days", "auto_approval_days"),
            *("qualifications", "prolific"),
        ),
    ),
    Step("publish", "Check and publish", ()),
)
BY_NAME = {step.name: step for step in STEPS}
PLACED = {name for step in STEPS for name in (*step.asks, *step.more)}
ELSEWHERE = {"slug", "dataset", "kind", "source"}  # given by the way in, not by a field
PUBLISHED = "This campaign has been published: what it asks can no longer be changed."
OF_A_SOURCE = {"follow_up", "min_relative_sf"}


def settings_of(names: tuple[str, ...], campaign: Campaign) -> list[Setting]:
    """The settings among `names` that have an effect on such a campaign."""
    return [
        setting
        for name in names
        if (setting := SETTINGS.get(name)) is not None
        and (not setting.kinds or campaign.kind in setting.kinds)
        and (not setting.crowds or campaign.crowd in setting.crowds)
        and not (name in OF_A_SOURCE and campaign.source_id is None)
        and not (name == "candidates" and campaign.source_id is not None)
    ]


def before_and_after(step: Step) -> tuple[Step | None, Step | None]:
    """The neighbours of a step."""
    place = STEPS.index(step)
    before = STEPS[place - 1] if place else None
    after = STEPS[place + 1] if place + 1 < len(STEPS) else None
    return before, after
