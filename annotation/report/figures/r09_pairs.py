"""R9: pairs of labels that workers select together on the images of either."""

from fractions import Fraction
from typing import Any

import numpy as np

from annotation.report.arrays import Bools, Ints, Predictions, Study
from annotation.report.figures.figure import Figure

DEFINITION = (
    "Of all images of dataset label a or b, the share on which at least half of the workers"
    " selected each of the two. one_object: of these images that CLASSIFY saw, the share with one"
    " object, or with both labels in one. accuracy: a classifier scores the dataset label above the"
    " other one; a coin flip, where it scores neither or both alike, counts as half."
)
POPULATION = "all images with a dataset label"
LISTED = 30
LEAST_IMAGES = 3


def r9(study: Study) -> Figure:
    """The figure; it needs CONTAINS."""
    if study.contains is None:
        return Figure(DEFINITION, POPULATION, missing="a CONTAINS campaign with answers")
    a, b, image = accepted_together(study)
    images = np.bincount(study.dataset_label[study.dataset_label >= 0], minlength=len(study.labels))
    even = _rank(study, image, a, b) % 2 == 0
    pairs = _Pairs.of(a, b, image, len(study.labels))
    listed = pairs.listed(images[pairs.a] + images[pairs.b])
    halves = _Pairs.of(a[even], b[even], image[even], len(study.labels))
    others = _Pairs.of(a[~even], b[~even], image[~even], len(study.labels))
    of = images[halves.a] + images[halves.b]
    top = [_row(study, pairs, at, int(images[pairs.a[at]] + images[pairs.b[at]])) for at in listed]
    for model in study.models.values():
        model.let_go()
    return Figure(
        DEFINITION,
        POPULATION,
        int((study.dataset_label >= 0).sum()),
        {
            "pairs": int((pairs.count >= LEAST_IMAGES).sum()),
            "top": top,
            "top_cross": [
                {
                    "a": study.labels[halves.a[at]],
                    "b": study.labels[halves.b[at]],
                    "share_even_half": int(halves.count[at]) / int((of[at] + 1) // 2),
                    "share_other_half": others.count_of(halves.a[at], halves.b[at])
                    / int(of[at] // 2),
                }
                for at in halves.listed((of + 1) // 2)
            ],
        },
    )


def accepted_together(study: Study) -> tuple[Ints, Ints, Ints]:
    """A row for each image and label that workers accept beside its dataset label: a < b, image."""
    contains = study.frequencies
    own = study.dataset_label[contains.image]
    accepted = (2 * contains.selected >= contains.shown) & (contains.shown > 0)
    by_own = np.zeros(study.n, bool)
    by_own[contains.image[accepted & (contains.label == own)]] = True
    both = accepted & (contains.label != own) & by_own[contains.image]
    a = np.minimum(own[both], contains.label[both])
    b = np.maximum(own[both], contains.label[both])
    return a, b, contains.image[both]


class _Pairs:
    """Pairs a < b of labels, in this order, with the images on which both are accepted."""

    def __init__(self, codes: Ints, width: int, count: Ints, images: list[Ints]) -> None:
        self.codes, self.width, self.count, self.images = codes, width, count, images
        self.a, self.b = codes // width, codes % width

    @classmethod
    def of(cls, a: Ints, b: Ints, image: Ints, width: int) -> "_Pairs":
        codes, number, count = np.unique(
            a.astype(np.int64) * width + b, return_inverse=True, return_counts=True
        )
        by_pair = image[np.argsort(number, kind="stable")]
        return cls(codes, width, count, np.split(by_pair, np.cumsum(count)[:-1]))

    def listed(self, of: Ints) -> list[int]:
        """The first pairs by falling share of `of` images, then count, then keys."""
        (enough,) = np.nonzero(self.count >= LEAST_IMAGES)
        ranked = sorted(
            (-Fraction(int(self.count[at]), int(of[at])), -int(self.count[at]), at)
            for at in enough.tolist()
        )
        return [at for *_, at in ranked[:LISTED]]

    def count_of(self, a: int, b: int) -> int:
        at = int(np.searchsorted(self.codes, a * self.width + b))
        there = at < self.codes.size and self.codes[at] == a * self.width + b
        return int(self.count[at]) if there else 0


def _rank(study: Study, image: Ints, a: Ints, b: Ints) -> Ints:
    """Of each image, how many images of dataset label a or b have an earlier key."""
    label = study.dataset_label.astype(np.int64)
    codes = np.sort(label * study.n + np.arange(study.n))

    def earlier(of: Ints) -> Ints:
        begin = of.astype(np.int64) * study.n
        return np.searchsorted(codes, begin + image) - np.searchsorted(codes, begin)

    return earlier(a) + earlier(b)


def _row(study: Study, pairs: _Pairs, at: int, images: int) -> dict[str, Any]:
    a, b, count = int(pairs.a[at]), int(pairs.b[at]), int(pairs.count[at])
    of_either = (study.dataset_label == a) | (study.dataset_label == b)
    return {
        "a": study.labels[a],
        "b": study.labels[b],
        "both": count,
        "images": images,
        "share": count / images,
        "one_object": _share(*one_object(study, pairs.images[at], a, b)),
        "models": {
            name: _accuracy(study, model, of_either, a, b) for name, model in study.models.items()
        },
    }


def one_object(study: Study, image: Ints, a: Ints | int, b: Ints | int) -> tuple[Bools, Bools]:
    """(rows,): whether CLASSIFY answered the image; it saw one object, or a and b names of one."""
    if study.classify is None:
        return np.zeros(image.size, bool), np.zeros(image.size, bool)
    codes, places = study.once(_places)
    first, second = (
        np.where(codes[at] == wanted, places[at], -1)
        for wanted in (image.astype(np.int64) * len(study.labels) + label for label in (a, b))
        for at in [np.minimum(np.searchsorted(codes, wanted), codes.size - 1)]
    )
    number = study.objects.num_objects[image]
    together = (first == second) & (first >= 0) & (number > 0)
    return study.answered[image], (number == 1) | together


def _places(study: Study) -> tuple[Ints, Ints]:
    """Codes of (image, label of an object), ascending, closed by one of none; each one's object."""
    objects = study.objects
    codes = objects.unit.astype(np.int64) * len(study.labels) + objects.label
    order = np.argsort(codes)
    end = study.n * len(study.labels)
    return np.append(codes[order], end), np.append(objects.place[order], -1)


def _share(answered: Bools, one: Bools) -> float | None:
    return float(one[answered].mean()) if answered.any() else None


def _accuracy(
    study: Study, model: Predictions, of_either: Bools, a: int, b: int
) -> dict[str, float | int | None]:
    (images,) = np.nonzero(of_either & (model.top >= 0))
    if not images.size:
        return {"accuracy": None, "coin_flips": 0}
    own = study.dataset_label[images]
    other = np.where(own == a, b, a)
    if model.logits is not None:
        ahead = model.logits[images, own].astype(float) - model.logits[images, other]
    else:
        k = model.labels.shape[1]
        places = [
            np.where(found.any(1), found.argmax(1), k)
            for found in (model.labels[images] == label[:, None] for label in (own, other))
        ]
        ahead = places[1] - places[0]
    flips = int((ahead == 0).sum())
    return {"accuracy": (int((ahead > 0).sum()) + flips / 2) / images.size, "coin_flips": flips}
