"""What a campaign on a dataset would ask, and the dataset's faults: for its page and the API."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from imagesets.labels.lint import RULES, lint
from imagesets.models import Comparison, Dataset
from imagesets.pictures.duplicates import duplicates, in_short
from models_inference.models import SkippedImage
from models_inference.predictions.candidate_summary import (
    CandidateSummary,
    Choice,
    candidate_summary,
)
from tasks.campaigns.layout_size import hits_about
from tasks.models.campaign_settings import default_of
from tasks.models.setting_groups import CANDIDATES

K = CANDIDATES.defaults()["k"]
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
LISTED = 20  # labels, groups of images, skipped images
# An import keeps what it compared; images that came otherwise are compared here, up to this number.
MOST_COMPARED = 200_000


def candidates_of(
    dataset: Dataset, classifiers: Sequence[str] | None = None, k: int = K
) -> dict[str, Any]:
    """Candidates, pairs, HITs and judgments for min_models 1, 2, 3, and what each model adds.

    HITs and judgments assume a campaign's default settings. Raises ValueError like
    candidate_summary.
    """
    summary = candidate_summary(dataset, classifiers, k)
    names = dict(dataset.labels.values_list("key", "names"))
    return {
        "k": summary.k,
        "images": summary.images,
        "labels": summary.labels,
        "workers_per_item": default_of("workers_per_item"),
        "min_models": [_choice(summary, choice, names) for choice in summary.choices],
        "classifiers": [
            {
                "classifier": classifier.name,
                "images": classifier.images,
                "pairs": classifier.named,
                "pairs_only_it_names": classifier.alone,
            }
            for classifier in summary.classifiers
        ],
    }


def _choice(summary: CandidateSummary, choice: Choice, names: dict[str, list]) -> dict[str, Any]:
    return {
        "min_models": choice.min_models,
        "pairs": choice.pairs,
        "hits_about": hits_about(
            choice.labels.values(),
            max(choice.images, default=0),
            default_of("grid_size"),
            default_of("max_sections"),
        ),
        "judgments": choice.pairs * default_of("workers_per_item"),
        "candidates_per_image": {
            "n": summary.images,
            "mean": choice.mean,
            "histogram": [
                {"candidates": count, "images": images} for count, images in choice.images.items()
            ],
        },
        "pairs_per_label": {
            "n": len(choice.labels),
            "labels_not_asked": summary.labels - len(choice.labels),
            "quantiles": [{"share": share, "pairs": choice.quantile(share)} for share in QUANTILES],
            "top": [
                {"label": key, "name": names[key][0], "pairs": pairs}
                for key, pairs in list(choice.labels.items())[:LISTED]
            ],
        },
    }


def findings_of(dataset: Dataset) -> dict[str, Any]:
    """What to look at first: faults of the labels by rule, images twice, skipped images."""
    faults = Counter(finding.rule for finding in lint(dataset.labels.order_by("key")))
    identical, alike = _images_twice(dataset)
    skipped = SkippedImage.objects.filter(image__dataset=dataset)
    return {
        "label_findings": {rule: faults[rule] for rule in RULES if faults[rule]},
        "identical_files": _first(identical),
        "look_alike": _first(alike),
        "skipped_images": {
            "n": skipped.count(),
            "first": [
                {"image": key, "reason": reason}
                for key, reason in skipped.order_by("image__key").values_list(
                    "image__key", "reason"
                )[:LISTED]
            ],
        },
    }


def _images_twice(dataset: Dataset) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Groups of identical and of similar images, as in_short gives them; None: not compared."""
    images = dataset.images.count()
    if comparison := Comparison.objects.filter(dataset=dataset, images=images).first():
        return comparison.identical, comparison.alike
    if images > MOST_COMPARED:
        return None, None
    groups = duplicates(dataset.images.all())
    return in_short(groups.identical), in_short(groups.alike)


def _first(groups: dict[str, Any] | None) -> dict[str, Any] | None:
    return groups and groups | {"first": groups["first"][:LISTED]}
