"""R14: which superclasses are taken for each other, and which stand beside each other."""

from typing import Any

import numpy as np

from annotation.report.arrays import Bools, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, of_population, sizes

DEFINITION = (
    "Images by superclass of the dataset label and of a classifier's first label (all), or of the"
    " main label (settled). co_occurrence: multi-object images with objects named in both"
    " superclasses. within_superclass: share of a matrix's images on its diagonal."
)
POPULATION = "images whose labels have superclasses"


def r14(study: Study) -> Figure:
    """The figure; it needs superclasses."""
    if study.superclass is None or not len(study.superclasses):
        return Figure(DEFINITION, POPULATION, missing="classes with superclasses")
    everything = np.ones(study.n, bool)
    own = _of(study, study.dataset_label)
    matrices, within, left_out = {}, {}, {}
    for name, model in study.models.items():
        said = _of(study, model.top)
        matrices[name] = _matrix(study, own, said, everything).tolist()
        asked = Question(own == said, None, own == said, (own >= 0) & (said >= 0))
        within[name] = of_population(study, asked, everything)
        left_out[name] = int(((model.top >= 0) & ~asked.known).sum())
    data: dict[str, Any] = {
        "superclasses": list(study.superclasses),
        "human": None,
        "models": matrices,
        "co_occurrence": None,
        "within_superclass": {"human": None, "models": within},
        "left_out": {"human": None, "models": left_out},
    }
    if study.classify is not None:
        easy = study.dataset_label
        main = np.where(study.easy, easy, study.objects.main_label)
        said, without = _of(study, main), _of(study, study.without.main_label)
        of_response = own[study.responses.image]
        data["human"] = _matrix(study, own, said, study.settled).tolist()
        data["co_occurrence"] = _together(study).tolist()
        asked = Question(
            (own == said) & (own >= 0),
            (of_response == without) & (of_response >= 0),
            own >= 0,
            np.ones(study.n, bool),
        )
        known = ((own >= 0) & (said >= 0), (of_response >= 0) & (without >= 0))
        data["within_superclass"]["human"] = of_population(study, asked, study.settled, known)
        data["left_out"]["human"] = int((study.settled & (main >= 0) & ~known[0]).sum())
    return Figure(DEFINITION, POPULATION, sizes(study), data)


def _of(study: Study, label: Ints) -> Ints:
    """The superclass of each label, -1 where there is no label or no superclass."""
    assert study.superclass is not None
    return np.where(label >= 0, study.superclass[label], -1)


def _matrix(study: Study, own: Ints, said: Ints, population: Bools) -> Ints:
    counted = population & (own >= 0) & (said >= 0)
    size = len(study.superclasses)
    cells = own[counted] * size + said[counted]
    return np.bincount(cells, minlength=size**2).reshape(size, size)


def _together(study: Study) -> Ints:
    """Images per pair of superclasses that two of their objects are named in."""
    objects, size = study.objects, len(study.superclasses)
    named = (objects.name == objects.label) & study.multi[objects.unit]
    image, kind = objects.unit[named], _of(study, objects.name[named])
    image, kind = image[kind >= 0], kind[kind >= 0]
    counts = np.bincount(image * size + kind, minlength=study.n * size).reshape(-1, size)
    has = (counts > 0).astype(int)
    together = has.T @ has
    np.fill_diagonal(together, (counts > 1).sum(0))
    return together
