"""The settings of what is asked: of which images, how often, and beside which known answers."""

from decimal import Decimal

from tasks.models.setting_groups import (
    CANDIDATES,
    CONTROLS,
    FOLLOW_UP,
    MEDIUM,
    PER_LABEL,
    PRACTICE,
    SMALL,
)
from tasks.models.setting_types import Flag, ListOf, Number, Setting, Text, Whole, WordOr

KINDS = {
    "contains": "CONTAINS: which of these images contain X?",
    "classify": "CLASSIFY: which labels are in this image, which is the main one?",
}
CONTAINS, CLASSIFY = ("contains",), ("classify",)

WHAT_IS_ASKED: tuple[Setting, ...] = (
    Setting(
        "images",
        "Images",
        WordOr(
            "all",
            (PER_LABEL, ListOf(Text(trim=False), empty=False, distinct=True)),
            '"all", {"per_label": n, "seed": s} or a list of image keys',
        ),
        "All images of the dataset, some of each dataset label, or those listed.",
        default="all",
    ),
    Setting(
        "candidates",
        "Candidates",
        CANDIDATES,
        "Which predictions become candidate labels. Null: the best"
        f" {CANDIDATES.defaults()['k']} labels of every classifier that has predictions at"
        " publish.",
        default=None,
        null=True,
    ),
    Setting(
        "workers_per_item",
        "Workers per item",
        Whole(1, 1000),
        "R: how many workers answer each HIT.",
        default=9,
        later=True,
    ),
    Setting(
        "round_size",
        "Round size",
        Whole(1, SMALL),
        "How many more answers to each HIT a round asks for, until there are R.",
        default=3,
    ),
    Setting(
        "grid_size",
        "Grid size",
        Whole(1, 200),
        "The most tiles in a HIT.",
        default=48,
        kinds=CONTAINS,
    ),
    Setting(
        "max_sections",
        "Max sections",
        Whole(1, 50),
        "The most labels in a HIT.",
        default=8,
        kinds=CONTAINS,
    ),
    Setting(
        "images_per_hit",
        "Images per HIT",
        Whole(1, 100),
        "The most images in a HIT.",
        default=5,
        kinds=CLASSIFY,
    ),
    Setting(
        "maybe",
        "Maybe",
        Flag(),
        'Workers may also answer "maybe".',
        default=False,
        kinds=CONTAINS,
    ),
    Setting(
        "controls",
        "Controls",
        CONTROLS,
        "Items whose answer is known, mixed into the HITs.",
        default=CONTROLS.defaults(),
    ),
    Setting(
        "practice",
        "Practice",
        PRACTICE,
        "A first, paid HIT of known answers, after which workers see what is right; who reaches"
        " the pass mark gets work. Null: none. Not on a marketplace that gives out the HITs"
        " itself.",
        default=None,
        null=True,
        kinds=CONTAINS,
    ),
    Setting(
        "rejection",
        "Rejection",
        Flag(),
        "Whether review may reject careless work, that is, refuse to pay for it.",
        default=False,
    ),
    Setting(
        "review_sample",
        "Review sample",
        Whole(0, MEDIUM),
        "How many of the first answers wait until a person has looked at them.",
        default=None,
        null=True,
    ),
    Setting(
        "follow_up",
        "Follow-up",
        WordOr("all", (FOLLOW_UP,), '"all" or {"fu": 1, "mis": 1, "easy": 0.05}'),
        "The share that is asked of each group of the source's images (of a group not named,"
        ' none), or "all": every image.',
        default={"fu": 1, "mis": 1, "easy": 0.05},
        null_is_default=True,
        kinds=CLASSIFY,
    ),
    Setting(
        "max_offered",
        "Max offered",
        Whole(2, 20),
        "The most labels offered with an image.",
        default=6,
        kinds=CLASSIFY,
    ),
    Setting(
        "min_relative_sf",
        "Threshold",
        Number(Decimal("0.0001"), Decimal(1), places=4),
        "Labels are offered whose selection frequency is at least this share of the dataset"
        " label's.",
        default=Decimal("0.5"),
        kinds=CLASSIFY,
    ),
    Setting(
        "min_judgments",
        "Min judgments",
        Whole(1, SMALL),
        "How many workers must have seen an image with its dataset label for a follow-up to"
        " group it. If not given, the source's own, else half of the source's R, rounded up.",
        default=None,
        null=True,
    ),
)
