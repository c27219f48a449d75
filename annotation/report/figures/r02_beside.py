"""R2: which other objects stand beside a dataset label's."""

from fractions import Fraction

import numpy as np

from annotation.report.arrays import Floats, Ints, Study
from annotation.report.figures.figure import Figure

DEFINITION = (
    "p: of the settled images of a dataset label, the share with another object of that name."
    " p_shrunk: drawn towards the mean of all such shares, as far as they differ by chance"
    " (beta-binomial)."
)
POPULATION = "settled images with a dataset label"
LISTED = 30
LEAST_IMAGES = 3


def r2(study: Study) -> Figure:
    """The figure; it needs CLASSIFY."""
    if study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers")
    width = len(study.labels)
    counted = study.settled & (study.dataset_label >= 0)
    own, other, _, images = objects_beside(study)
    codes, together = np.unique(own * width + other, return_counts=True)
    own, other = codes // width, codes % width
    shrunk = _shrunk(images, own, other, together)
    listed = sorted(
        (-Fraction(int(n), int(images[d])), -int(n), int(d), int(o), p)
        for d, o, n, p in zip(own, other, together, shrunk, strict=True)
        if n >= LEAST_IMAGES
    )[:LISTED]
    return Figure(
        DEFINITION,
        POPULATION,
        int(counted.sum()),
        {
            "pairs": codes.size,
            "images": int(together.sum()),
            "top": [
                {
                    "dataset_label": study.labels[d],
                    "other": study.labels[o],
                    "images": -n,
                    "of": int(images[d]),
                    "p": -n / int(images[d]),
                    "p_shrunk": float(p),
                }
                for _, n, d, o, p in listed
            ],
        },
    )


def objects_beside(study: Study) -> tuple[Ints, Ints, Ints, Ints]:
    """A row for each other object of a settled image: its dataset label, the object's name, image.

    Also (L,): how many settled images each dataset label has.
    """
    objects = study.objects
    counted = study.settled & (study.dataset_label >= 0)
    images = np.bincount(study.dataset_label[counted], minlength=len(study.labels))
    is_other = (objects.place != objects.dataset_object[objects.unit]) & (
        objects.name == objects.label  # one row for each object
    )
    apart = counted & ~study.easy & (objects.num_objects > 0)
    rows = is_other & apart[objects.unit]
    image = objects.unit[rows]
    return study.dataset_label[image], objects.name[rows], image, images


def _shrunk(images: Ints, own: Ints, other: Ints, together: Ints) -> Floats:
    """(pairs,): each share drawn towards the mean of all cells, zeros too.

    images (L,): settled images of each dataset label. A cell: a dataset label of at least
    LEAST_IMAGES images and another label that stands beside any. The spread of the cells' shares
    beyond chance is estimated by moments (Kleinman 1973).
    """
    beside = np.unique(other)
    rows = np.flatnonzero(images >= LEAST_IMAGES)
    cells = beside.size - np.isin(rows, beside)
    n = images[rows]
    k, total = int(cells.sum()), float((n * cells).sum())
    within = images[own] >= LEAST_IMAGES
    x, of = together[within], images[own[within]]
    mean = x.sum() / total if total else 0.0
    spread = float((n * cells).sum() * mean**2 - (of * mean**2).sum())
    spread += float((of * (x / np.maximum(of, 1) - mean) ** 2).sum())
    free = total - float((n**2 * cells).sum()) / total - (k - 1) if total else 0.0
    if not 0 < mean < 1 or not free:
        return np.full(own.size, mean)
    rho = (spread / (mean * (1 - mean)) - (k - 1)) / free
    if rho <= 0:
        return np.full(own.size, mean)
    c = max(1.0, 1 / rho - 1)
    return (together + c * mean) / (images[own] + c)
