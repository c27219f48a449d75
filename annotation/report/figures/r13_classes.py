"""R13: the dataset labels one by one: accuracy, selection frequency, agreement."""

from typing import Any

import numpy as np

from annotation.report.arrays import Floats, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.r10_selection import pair_of, pairs_asked_later

DEFINITION = (
    "Per dataset label: accuracy of each classifier over its images; mean selection frequency of"
    " the first label and of the dataset label, where workers were shown that pair; agreement: the"
    " mean share of the most frequent main label over its followed-up images."
)
POPULATION = "all images with a dataset label"


def r13(study: Study) -> Figure:
    """The figure; what a study lacks is null in it."""
    label = study.dataset_label
    images = _sums(study, np.ones(study.n))
    models: dict[str, dict[str, Floats]] = {
        name: {
            "accuracy": _means(study, model.top == label, model.top >= 0),
            "sf": _frequencies(study, model.top),
        }
        for name, model in study.models.items()
    }
    sf, agreement = _frequencies(study, label), np.full(images.size, np.nan)
    if study.classify is not None:
        agreement = _means(study, modal_share(study), study.fu)
    followed_up = _sums(study, study.fu)
    mean_over = {"sf": sf, "agreement": agreement}
    for name, columns in models.items():
        mean_over |= {f"{key}_{name}": column for key, column in columns.items()}
    present = np.flatnonzero(images).tolist()
    return Figure(
        DEFINITION + (pairs_asked_later(study) if study.contains is not None else ""),
        POPULATION,
        int(images.sum()),
        {
            "classes": [
                {
                    "label": study.labels[at],
                    "images": int(images[at]),
                    "sf": _or_none(sf[at]),
                    "fu": int(followed_up[at]),
                    "agreement": _or_none(agreement[at]),
                    "models": {
                        name: {key: _or_none(column[at]) for key, column in columns.items()}
                        for name, columns in models.items()
                    },
                }
                for at in present
            ],
            "mean_over_classes": {
                name: _mean(column[present]) for name, column in mean_over.items()
            },
        },
    )


def modal_share(study: Study) -> Floats:
    """(N,): the share of responses that name the most frequent main label, "none" being one."""
    image, main = study.responses.image, study.responses.main + 1
    codes, votes = np.unique(
        image.astype(np.int64) * (len(study.labels) + 1) + main, return_counts=True
    )
    most = np.zeros(study.n, int)
    np.maximum.at(most, codes // (len(study.labels) + 1), votes)
    return most / np.maximum(np.bincount(image, minlength=study.n), 1)


def _sums(study: Study, value: Any) -> Floats:
    """(L,): sums over the images of each dataset label."""
    labelled = study.dataset_label >= 0
    label = study.dataset_label[labelled]
    return np.bincount(label, np.asarray(value)[labelled], len(study.labels))


def _means(study: Study, value: Any, counted: Any) -> Floats:
    """(L,): means over those images of each dataset label that count; nan where none does."""
    n = _sums(study, counted)
    total = _sums(study, np.where(counted, value, 0))
    return np.divide(total, n, out=np.full(n.size, np.nan), where=n > 0)


def _frequencies(study: Study, label: Ints) -> Floats:
    if study.contains is None:
        return np.full(len(study.labels), np.nan)
    study = study.with_added
    contains = study.frequencies
    pair = pair_of(study, label)
    sf = contains.selected[pair] / np.maximum(contains.shown[pair], 1)
    return _means(study, sf, pair >= 0)


def _mean(column: Floats) -> float | None:
    known = column[~np.isnan(column)]
    return float(known.mean()) if known.size else None


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
