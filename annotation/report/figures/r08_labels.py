"""R8: how many labels workers accept, against how many objects they find."""

import numpy as np

from annotation.report.arrays import YES, Bools, Floats, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.intervals import Estimate, Moved, ratio

DEFINITION = (
    "Labels that at least two workers selected in CONTAINS, against the number of objects and the"
    " mean number of labels selected in CLASSIFY (rounded, half up); labels that anybody named"
    " main, by labels offered."
)
POPULATION = "followed-up images"


def r8(study: Study) -> Figure:
    """The figure; it needs CLASSIFY, and CONTAINS for some of its numbers."""
    if study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers")
    fu, count, classify = study.fu, study.num_objects, study.classify
    m = np.bincount(classify.image, minlength=study.n)
    selected = np.bincount(classify.image, classify.sizes, study.n).astype(int)
    offered, named = offered_to(study), _named(study)
    rounded = (2 * selected + m) // np.maximum(2 * m, 1)
    by_offered = np.stack([offered, named])
    data = {
        "by_num_objects": None,
        "by_mean_selected": None,
        "main_by_offered": _table(by_offered, fu),
        "main_by_offered_single": _table(by_offered, fu & (count == 1)),
        "mean_labels_two": None,
        "mean_selected": mean_selected(study),
        "mean_offered": ratio(offered, fu, study.strata(fu), unit=False),
        "mean_main": _mean_named(study, named),
    }
    if study.contains is not None:
        two = np.bincount(study.contains.image[study.contains.selected >= 2], minlength=study.n)
        data["by_num_objects"] = _table(np.stack([two, count]), fu)
        data["by_mean_selected"] = _table(np.stack([two, rounded]), fu)
        data["mean_labels_two"] = _mean_two(study, two)
    return Figure(DEFINITION, POPULATION, int(fu.sum()), data)


def offered_to(study: Study) -> Ints:
    """(N,): labels that any of the image's responses was offered."""
    return np.bincount(study.once(offered_pairs) // len(study.labels), minlength=study.n)


def offered_pairs(study: Study) -> Ints:
    """image * labels + label of each label offered on an image in CLASSIFY, ascending."""
    sizes = np.diff(study.responses.offered_begin)
    image = np.repeat(study.responses.image, sizes).astype(np.int64)
    return np.unique(image * len(study.labels) + study.responses.offered)


def mean_selected(study: Study) -> Estimate:
    """The mean over followed-up images of the mean number of labels selected."""
    image, sizes = study.responses.image, study.responses.sizes
    m, total = np.bincount(image, minlength=study.n), np.bincount(image, sizes, study.n)
    mean = total / np.maximum(m, 1)
    (moves,) = np.nonzero(study.fu[image] & (m[image] > 1))
    at = image[moves]
    change = (total[at] - sizes[moves]) / (m[at] - 1) - mean[at]
    return _of_responses(study, mean, moves, change)


def _named(study: Study) -> Ints:
    """(N,): labels that any of the image's responses named main."""
    image, main = study.responses.image, study.responses.main
    pairs = np.unique((image.astype(np.int64) * len(study.labels) + main)[main >= 0])
    return np.bincount(pairs // len(study.labels), minlength=study.n)


def _mean_named(study: Study, named: Ints) -> Estimate:
    image, main = study.responses.image, study.responses.main
    m = np.bincount(image, minlength=study.n)
    _, pair, votes = np.unique(
        image.astype(np.int64) * (len(study.labels) + 1) + main,
        return_inverse=True,
        return_counts=True,
    )
    alone = (main >= 0) & (votes[pair] == 1)
    (moves,) = np.nonzero(study.fu[image] & (m[image] > 1))
    return _of_responses(study, named, moves, -alone[moves].astype(float))


def _of_responses(study: Study, x: Floats | Ints, moves: Ints, change: Floats) -> Estimate:
    """The mean of x over followed-up images; responses `moves` change it by `change`."""
    moved = Moved(study.classify_panel, study.classify_cell[moves], change)
    return ratio(x, study.fu, study.strata(study.fu), moved, unit=False)


def _mean_two(study: Study, two: Ints) -> Estimate:
    contains = study.frequencies
    decides = (contains.answer == YES) & (contains.selected[contains.pair] == 2)
    image = contains.image[contains.pair]
    (moves,) = np.nonzero(decides & study.fu[image])
    less = np.full(moves.size, -1.0)
    moved = Moved(study.contains_panel, study.contains_cell[moves], less)
    return ratio(two, study.fu, study.strata(study.fu), moved, unit=False)


def _table(numbers: Ints, population: Bools) -> dict[str, int]:
    """{"x,y": images} of two rows of numbers (2, N)."""
    pairs, images = np.unique(numbers[:, population], axis=1, return_counts=True)
    return {f"{x},{y}": int(n) for (x, y), n in zip(pairs.T, images, strict=True)}
