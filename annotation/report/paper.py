"""What the paper found, to stand beside a study that was done by the paper's rules."""

from typing import Any

from tasks.models import Campaign

WORKERS = 9  # asked about each item
RELATIVE_SF = 0.5
MIN_JUDGMENTS = 5
CANDIDATES = {"k": 5, "min_models": 1}

FROM_CONTAINS: dict[str, dict[str, Any]] = {
    "R7": {
        "says": "Workers select another label at least as often as the dataset label on nearly 40 %"
        " of images, and at least half as often on over 70 % (counting mis)."
    },
    "R9": {"says": "On the worst pairs of labels accuracy is under 40 %."},
    "R10": {
        "says": "First labels of models above 80 % top-1 accuracy are selected nearly as often as"
        " dataset labels."
    },
}
FROM_CLASSIFY: dict[str, dict[str, Any]] = {
    "R1": {
        "says": "21.6 % of images show more than one object (2,156 of 10,000).",
        "values": {"/multi_object": 2156, "/fraction_multi/of_all_images": 0.2156},
    },
    "R3": {"says": "Top-1 accuracy is lower by more than 10 points on multi-object images."},
    "R5": {
        "says": "On 650 of 2,156 multi-object images the main object is another than the dataset"
        " label's.",
        "values": {"/disagreements": 650, "/disagreements_of_multi": 650 / 2156},
    },
}


def paper_values(contains: Campaign | None, classify: Campaign | None) -> dict[str, dict[str, Any]]:
    """By figure, the paper's finding and, where it gives them, values by JSON pointer into `data`.

    Empty unless the study asked as many workers and followed the paper's rules.
    """
    if contains is None or not _as_in_contains(contains):
        return {}
    if classify is None:
        return FROM_CONTAINS
    return FROM_CONTAINS | FROM_CLASSIFY if _as_in_classify(classify) else {}


def _as_in_contains(campaign: Campaign) -> bool:
    asked = campaign.candidates or {}
    return (
        campaign.workers_per_item == WORKERS
        and not campaign.maybe
        and all(asked.get(name, value) == value for name, value in CANDIDATES.items())
        and campaign.min_judgments in (None, MIN_JUDGMENTS)
    )


def _as_in_classify(campaign: Campaign) -> bool:
    return (
        campaign.workers_per_item == WORKERS
        and campaign.min_relative_sf == RELATIVE_SF
        and campaign.min_judgments in (None, MIN_JUDGMENTS)
    )
