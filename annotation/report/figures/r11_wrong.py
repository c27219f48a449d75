"""R11: predictions that count as wrong, by how many workers select them."""

import numpy as np

from annotation.report.arrays import Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.r10_selection import (
    mean_frequency,
    pair_of,
    pairs_asked_later,
)

DEFINITION = (
    "Images whose first predicted label is not the dataset label, by fifth of its selection"
    " frequency; at_least_dataset_labels_sf: how many of with_both have it at least as high as the"
    " dataset label's."
)
POPULATION = "images whose first predicted label, other than the dataset label, workers were shown"


def r11(study: Study) -> Figure:
    """The figure; it needs CONTAINS and predictions."""
    if study.contains is None or not study.models:
        return Figure(
            DEFINITION, POPULATION, missing="a CONTAINS campaign with answers, and predictions"
        )
    definition = DEFINITION + pairs_asked_later(study)
    study = study.with_added
    contains = study.frequencies
    own = pair_of(study, study.dataset_label)
    models, images = {}, {}
    for name, model in study.models.items():
        wrong = (model.top >= 0) & (study.dataset_label >= 0) & (model.top != study.dataset_label)
        label = np.where(wrong, model.top, -1)
        pair = pair_of(study, label)
        judged = pair[pair >= 0]
        selected, shown = contains.selected[judged], contains.shown[judged]
        both = np.flatnonzero((pair >= 0) & (own >= 0))
        at, mine = pair[both], own[both]
        # Exact fractions, so that ties count.
        at_least = (
            contains.selected[at] * contains.shown[mine]
            >= contains.selected[mine] * contains.shown[at]
        )
        models[name] = {
            "wrong": judged.size,
            "fifths": np.bincount(np.minimum(4, 5 * selected // shown), minlength=5).tolist(),
            "never_selected": int((selected == 0).sum()),
            "mean_sf": mean_frequency(study, label),
            "at_least_dataset_labels_sf": int(at_least.sum()),
            "with_both": both.size,
            "not_judged": int(wrong.sum()) - judged.size,
        }
        images[name] = judged.size
    return Figure(definition, POPULATION, images, {"models": models})
