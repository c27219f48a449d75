"""First labels that no worker was asked about, which figures on objects count as wrong."""

import numpy as np

from annotation.report.arrays import Bools, Predictions, Study
from annotation.report.figures.r08_labels import offered_pairs
from annotation.report.figures.r10_selection import pair_of
from annotation.report.intervals import Estimate


def unjudged(study: Study, model: Predictions) -> Bools:
    """(N,): settled images on which workers were neither shown its first label nor offered it.

    Of the dataset label people said on each settled image whether it is right.
    """
    codes = np.arange(study.n) * len(study.labels) + model.top
    asked = (model.top == study.dataset_label) | np.isin(codes, study.once(offered_pairs))
    if study.contains is not None:
        asked |= pair_of(study, model.top) >= 0
    return study.settled & (model.top >= 0) & ~asked


def bounds(accuracy: Estimate, unjudged: Bools) -> list[float] | None:
    """An accuracy over settled images, its unjudged first labels all wrong and all right.

    unjudged (N,): of the images that count in it, on which all are wrong now.
    """
    if accuracy.value is None:
        return None
    return [accuracy.value, accuracy.value + int(unjudged.sum()) / accuracy.images]
