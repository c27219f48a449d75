"""The settings of what is asked that have parts: which parts, and the rules between them.

Like the declaration that they belong to (asked_settings.py), pure data.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tasks.models.setting_types import Group, ListOf, Number, Problem, Setting, Text, Whole

GROUPS_ASKED = {
    "fu": (
        "To follow up (fu)",
        "The share asked of images in which another label was selected often enough beside the"
        " dataset label.",
    ),
    "mis": (
        "Dataset label not seen (mis)",
        "The share asked of images whose dataset label nobody selected.",
    ),
    "easy": (
        "Easy (easy)",
        "The share asked of images in which the dataset label alone was selected often.",
    ),
}
# The largest numbers that the columns of a database hold.
SMALL, MEDIUM, LARGE = 2**15 - 1, 2**31 - 1, 2**63 - 1


def _models_can_agree(candidates: Mapping[str, Any]) -> Problem | None:
    names, least = candidates["classifiers"], candidates["min_models"]
    if names is not None and least > len(names):
        return "min_models", f"{least} of {len(names)} classifiers cannot agree."
    return None


SHARE = Number(Decimal(0), Decimal(1))
EXACT_SHARE = Number(Decimal(0), Decimal(1), places=4)
PER_LABEL = Group(
    "PerLabel",
    "A number of images of each dataset label, drawn by a seed.",
    (
        Setting("per_label", "Images per label", Whole(1, None)),
        Setting("seed", "Seed", Whole(0, LARGE), "Draws the images.", default=0),
    ),
)
CANDIDATES = Group(
    "Candidates",
    "Which predictions become candidate labels.",
    (
        Setting(
            "classifiers",
            "Classifiers",
            ListOf(Text(), empty=False, distinct=True),
            "Their names. Null: every classifier that has predictions at publish.",
            default=None,
            null=True,
        ),
        Setting("k", "Labels of each", Whole(1, 10), "Labels taken of each classifier.", default=5),
        Setting(
            "min_models",
            "Models that agree",
            Whole(1, None),
            "Classifiers that must name a label, unless it is the dataset label.",
            default=1,
        ),
    ),
    (_models_can_agree,),
)
FOLLOW_UP = Group(
    "FollowUp",
    "The share of each group of the source's images that is asked.",
    tuple(
        Setting(name, title, SHARE, about, default=0)
        for name, (title, about) in GROUPS_ASKED.items()
    ),
)
CONTROLS = Group(
    "Controls",
    "How many controls a HIT holds, where they come from, and what careful work is.",
    (
        Setting(
            "share",
            "Share",
            Number(Decimal(0), Decimal("0.5"), places=4),
            "The share of a HIT's items that are controls.",
            default=0.1,
        ),
        Setting(
            "campaigns",
            "Campaigns",
            ListOf(Text(), distinct=True),
            "Slugs of earlier campaigns whose settled pairs can be controls.",
            default=[],
        ),
        Setting(
            "min_accuracy",
            "Least accuracy",
            EXACT_SHARE,
            "Review sets aside a worker who is clearly less accurate. Null: it sets nobody aside.",
            default=None,
            null=True,
        ),
        Setting(
            "min_items",
            "Least items",
            Whole(2, 100_000),
            "A worker is set aside only after half as many controls of each kind.",
            default=20,
        ),
    ),
)
PRACTICE = Group(
    "Practice",
    "A first HIT of known answers, with feedback.",
    (
        Setting(
            "items",
            "Pictures",
            Whole(2, 48),
            "Pictures of a try: half of them show the label that is asked for.",
            default=8,
        ),
        Setting("pass", "Pass mark", EXACT_SHARE, "The share that must be right.", default=0.75),
        Setting("tries", "Tries", Whole(1, 10), "Each with pictures of its own.", default=2),
    ),
)
