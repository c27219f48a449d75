"""Reports of made-up studies, as report.json holds them."""

from typing import Any

from annotation.report.answers import answers
from annotation.report.arrays import Study
from annotation.report.document import figures_of
from annotation.report.figures.populations import sizes

SETTINGS: dict[str, dict[str, Any]] = {
    "contains": {
        "crowd": "local",
        "candidates": None,
        "workers_per_item": 5,
        "round_size": 5,
        "grid_size": 48,
        "max_sections": 8,
        "maybe": False,
    },
    "classify": {
        "crowd": "local",
        "workers_per_item": 5,
        "images_per_hit": 5,
        "min_relative_sf": "0.5",
        "max_offered": 6,
        "min_judgments": None,
        "follow_up": None,
    },
}


def made_up_report(study: Study, **settings: Any) -> dict[str, Any]:
    """The report of a study. settings: of each campaign that it has, other than those above."""
    campaigns = {"contains": study.contains, "classify": study.classify}
    asked = [name for name, campaign in campaigns.items() if campaign is not None]
    return {
        "study": {
            "dataset": "small",
            **{name: name if name in asked else None for name in campaigns},
            "classifiers": list(study.models),
            "images": study.n,
            "dataset_labels": int((study.dataset_label >= 0).sum()),
            "populations": sizes(study),
            "answers": answers(study),
            "prevalence": [],
            "runs": {name: {"id": 1, "at": "2026-01-02T03:04:05+00:00"} for name in asked},
            "settings": {name: SETTINGS[name] | settings for name in asked},
            "software": "0.1.0",
            "seed": 0,
        },
        "figures": figures_of(study),
    }
