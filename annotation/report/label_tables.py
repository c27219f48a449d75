"""Each label, and each pair of labels that is mixed up or stands together, of a study's arrays.

The explorer's pages read them. They are counted as the report counts them: pairs as in R9 and R2,
labels as in R13.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from annotation.report.arrays import Bools, Ints, Study
from annotation.report.figures.r02_beside import objects_beside
from annotation.report.figures.r09_pairs import accepted_together, one_object
from annotation.report.figures.r10_selection import pair_of
from annotation.report.figures.r13_classes import r13
from tasks.models.label_results import FEW_IMAGES

OTHERS = 12  # labels kept beside each
PICTURES = 6  # of each side of a pair


@dataclass(frozen=True)
class LabelRow:
    """A dataset label. sf_images: those on which its own pair was shown; answered: by CLASSIFY."""

    label: str
    images: int
    sf: float | None
    sf_images: int
    answered: int
    responses: int
    own_votes: int  # of the responses, those whose main label it is
    followed_up: int
    agreement: float | None
    accuracy: float | None  # the classifiers' mean
    classifiers: dict[str, dict[str, int]]  # {name: {"right", "of"}}
    others: list[dict[str, Any]]  # what workers say on its images besides, the most votes first


@dataclass(frozen=True)
class PairRow:
    """Two labels with `images` of the `of` that there are; their pictures by side, as keys."""

    a: str
    b: str
    images: int
    of: int
    one_object: float | None = None
    pictures_a: list[str] = field(default_factory=list)
    pictures_b: list[str] = field(default_factory=list)


def label_rows(study: Study) -> list[LabelRow]:
    """The labels that are an image's dataset label, by key."""
    label, width = study.dataset_label, len(study.labels)
    own_pair = np.zeros(study.n, bool)
    if study.contains is not None:
        own_pair = pair_of(study.with_added, label) >= 0
    votes = responses = np.zeros(width, int)
    if study.classify is not None:
        dataset_label = label[study.classify.image]
        responses = _count(dataset_label, width)
        votes = _count(dataset_label[study.classify.main == dataset_label], width)
    images, answered = _count(label, width), _count(label[study.answered], width)
    sf_images = _count(label[own_pair], width)
    right = {name: _count(label[m.top == label], width) for name, m in study.models.items()}
    of = {name: _count(label[m.top >= 0], width) for name, m in study.models.items()}
    others = _others(study)
    number = {key: place for place, key in enumerate(study.labels)}
    rows = []
    for figures in (study.once(r13).data or {})["classes"]:
        at = number[figures["label"]]
        known = [model["accuracy"] for model in figures["models"].values()]
        known = [accuracy for accuracy in known if accuracy is not None]
        rows.append(
            LabelRow(
                figures["label"],
                int(images[at]),
                figures["sf"],
                int(sf_images[at]),
                int(answered[at]),
                int(responses[at]),
                int(votes[at]),
                figures["fu"],
                figures["agreement"],
                sum(known) / len(known) if known else None,
                {
                    name: {"right": int(right[name][at]), "of": int(of[name][at])}
                    for name in study.models
                },
                others.get(at, []),
            )
        )
    return rows


def _count(label: Ints, width: int) -> Ints:
    return np.bincount(label[label >= 0], minlength=width)


def _others(study: Study) -> dict[int, list[dict[str, Any]]]:
    """By dataset label: the other labels that workers name most often on its images."""
    width = len(study.labels)
    counts: dict[str, tuple[Ints, Ints]] = {}  # name: codes of (dataset label, other), counts

    def count(name: str, own: Ints, other: Ints, times: Ints | None = None) -> None:
        kept = (own >= 0) & (other >= 0) & (own != other)
        codes, place = np.unique(own[kept] * width + other[kept], return_inverse=True)
        weights = None if times is None else times[kept]
        counts[name] = codes, np.bincount(place, weights, codes.size).astype(int)

    label = study.dataset_label.astype(np.int64)
    if (contains := study.contains) is not None:
        own = label[contains.image]
        count("selected", own, contains.label, contains.selected)
        count("shown", own, contains.label, contains.shown)
        a, b, image = accepted_together(study)
        count("both", label[image], np.where(a == label[image], b, a))
    if study.classify is not None:
        count("main_votes", label[study.classify.image], study.classify.main)
        main = study.objects.main_label
        count("main_images", label[main >= 0], main[main >= 0])
    every = np.unique(np.concatenate([codes for codes, _ in counts.values()] or [np.zeros(0, int)]))
    columns = {}
    for name, (codes, numbers) in counts.items():
        columns[name] = np.zeros(every.size, int)
        columns[name][np.searchsorted(every, codes)] = numbers
    none = np.zeros(every.size, int)
    said = [columns.get(name, none) for name in ("main_votes", "both", "selected")]
    named = np.flatnonzero(sum(said) > 0)
    order = named[np.lexsort([every[named], *(-column[named] for column in reversed(said))])]
    order = order[np.argsort(every[order] // width, kind="stable")]
    by_label: dict[int, list[dict[str, Any]]] = {}
    for at in order.tolist():
        rows = by_label.setdefault(int(every[at]) // width, [])
        if len(rows) < OTHERS:
            told: dict[str, Any] = {"label": study.labels[int(every[at]) % width]}
            rows.append(told | {name: int(column[at]) for name, column in columns.items()})
    return by_label


def accepted_pairs(study: Study) -> list[PairRow]:
    """R9: at least half of the workers selected both on images of either; a < b."""
    if study.contains is None:
        return []
    a, b, image = accepted_together(study)
    images = _count(study.dataset_label, len(study.labels))
    answered, one = one_object(study, image, a, b)
    return list(_ranked(study, a, b, image, images[a] + images[b], answered, one))


def confused_pairs(study: Study) -> list[PairRow]:
    """Of these, those where CLASSIFY saw one object on at least half of the images it answered."""
    return [
        row
        for row in study.once(accepted_pairs)
        if row.one_object is not None and row.one_object >= 0.5
    ]


def renamed_pairs(study: Study) -> list[PairRow]:
    """Of the answered images of dataset label a, those whose main label is b."""
    if study.classify is None:
        return []
    label, main = study.dataset_label, study.objects.main_label
    counted = study.answered & (label >= 0)
    of = _count(label[counted], len(study.labels))
    (image,) = np.nonzero(counted & (main >= 0) & (main != label))
    return list(_ranked(study, label[image], main[image], image, of[label[image]]))


def pairs_beside(study: Study) -> list[PairRow]:
    """R2: of the settled images of dataset label a, those with another object, named b."""
    if study.classify is None:
        return []
    own, other, image, settled = objects_beside(study)
    return list(_ranked(study, own, other, image, settled[own]))


def _ranked(
    study: Study,
    a: Ints,
    b: Ints,
    image: Ints,
    of: Ints,
    answered: Bools | None = None,
    one: Bools | None = None,
) -> Iterator[PairRow]:
    """Rows of (pair, image) as pairs: by falling share, count, keys, the least ones last."""
    order = np.lexsort([image, b, a])
    a, b, image, of = a[order], b[order], image[order], of[order]
    if a.size == 0:
        return
    (begin,) = np.nonzero(np.r_[True, (np.diff(a) != 0) | (np.diff(b) != 0)])
    end = np.r_[begin[1:], a.size]
    ranked = sorted(
        (stop - start < FEW_IMAGES, -Fraction(stop - start, int(of[start])), start - stop, start)
        for start, stop in zip(begin.tolist(), end.tolist(), strict=True)
    )
    for *_, less, start in ranked:
        rows = order[start : start - less]
        images = image[start : start - less]
        own = study.dataset_label[images] == a[start]
        share = None
        if answered is not None and one is not None and answered[rows].any():
            share = float(one[rows][answered[rows]].mean())
        yield PairRow(
            study.labels[int(a[start])],
            study.labels[int(b[start])],
            -less,
            int(of[start]),
            share,
            _keys(study.images, images[own]),
            _keys(study.images, images[~own]),
        )


def _keys(keys: Sequence[str], images: Ints) -> list[str]:
    return [keys[at] for at in images[:PICTURES].tolist()]
