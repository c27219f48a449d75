"""R10: how often workers select what the classifiers say, and the dataset labels."""

from dataclasses import replace

import numpy as np

from annotation.report.arrays import YES, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.intervals import Estimate, Moved, ratio

DEFINITION = (
    "Mean selection frequency of a classifier's first label, and of the dataset label, over images"
    " on which workers were shown that pair. bounds: pairs that nobody was shown count as never"
    " selected, and as always."
)
POPULATION = "all images with a prediction"


def r10(study: Study) -> Figure:
    """The figure; it needs CONTAINS."""
    if study.contains is None:
        return Figure(DEFINITION, POPULATION, missing="a CONTAINS campaign with answers")
    definition = DEFINITION + pairs_asked_later(study)
    study = study.with_added
    own = mean_frequency(study, study.dataset_label)
    models = {}
    for name, model in study.models.items():
        mean = mean_frequency(study, model.top)
        predicted = int((model.top >= 0).sum())
        unjudged = predicted - mean.images
        total = (mean.value or 0.0) * mean.images
        models[name] = {
            "mean_sf": mean,
            "images": mean.images,
            "not_judged": unjudged,
            "bounds": [total / predicted, (total + unjudged) / predicted] if predicted else None,
            "not_predicted": study.n - predicted,
        }
    data = {"dataset_label": {"mean_sf": own, "images": own.images}, "models": models}
    return Figure(definition, POPULATION, study.n, data)


def pairs_asked_later(study: Study) -> str:
    """A sentence on the campaigns that asked what CONTAINS did not; "" if there is none."""
    if not study.added:
        return ""
    return (
        " The selection frequency of a pair that the study's CONTAINS campaign did not ask is that"
        f" of a later one ({', '.join(study.added)}); no pair's answers are pooled."
    )


def pair_of(study: Study, label: Ints) -> Ints:
    """(N,): the pair of each image with this label (N,), if workers were shown it; else -1."""
    contains = study.frequencies
    width = len(study.labels)
    codes = contains.image.astype(np.int64) * width + contains.label
    wanted = np.arange(study.n) * width + label
    if not codes.size:
        return np.full(study.n, -1)
    at = np.minimum(np.searchsorted(codes, wanted), codes.size - 1)
    there = (label >= 0) & (codes[at] == wanted) & (contains.shown[at] > 0)
    return np.where(there, at, -1)


def mean_frequency(study: Study, label: Ints) -> Estimate:
    """The mean over images of the selection frequency of the image's label (N,)."""
    contains = study.frequencies
    pair = pair_of(study, label)
    judged = pair >= 0
    sf = contains.selected[pair] / np.maximum(contains.shown[pair], 1)
    wanted = np.zeros(contains.image.size, bool)
    wanted[pair[judged]] = True
    (answers,) = np.nonzero(wanted[contains.pair])
    at = contains.pair[answers]
    selected, shown = contains.selected[at], contains.shown[at]
    rest = np.maximum(shown - 1, 1)
    change = (selected - (contains.answer[answers] == YES)) / rest - selected / shown
    change = np.where(shown > 1, change, 0.0)
    moved = Moved(study.contains_panel, study.contains_cell[answers], change)
    estimate = ratio(sf, judged, study.strata(np.ones(study.n, bool)), moved)
    return replace(estimate, among=np.where(judged, contains.shown[pair], 0))
