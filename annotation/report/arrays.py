"""A study as arrays: what the figures of the report are computed from.

Images, labels and classifiers are numbered in the order of their keys (as text), so that a tie that
goes to the first key goes to the smallest number. -1 stands for none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, reduce
from mmap import MADV_DONTNEED, mmap
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from annotation.report.intervals import OUTSIDE, Floats, Panel, strata
from annotation.report.splits import counts_of_halves, halves_of_images
from annotation.report.without import Objects, objects_of, objects_without_each

Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

T = TypeVar("T")

NO, YES, MAYBE = 0, 1, 2
FU, MIS, EASY, AMB = range(4)
GROUPS = ("fu", "mis", "easy", "amb")


@dataclass(frozen=True)
class Frequencies:
    """The CONTAINS campaign: P pairs in the order of image, then label, and A used answers.

    image, label, selected, maybe, shown (P,). posterior, score (P,): nan where there is none;
    score: the best that a classifier gives. pair, worker, answer (A,): NO, YES or MAYBE, in order
    of submission.
    """

    image: Ints
    label: Ints
    selected: Ints
    maybe: Ints
    shown: Ints
    posterior: Floats
    score: Floats
    pair: Ints
    worker: Ints
    answer: Ints

    def and_later(self, later: "Frequencies") -> "Frequencies":
        """The judged pairs of both, a pair of both with these answers alone: none are pooled."""
        width = 1 + max(int(each.label.max(initial=0)) for each in (self, later))
        codes = [each.image.astype(np.int64) * width + each.label for each in (self, later)]
        mine = self.shown > 0
        theirs = (later.shown > 0) & (later.image >= 0) & ~np.isin(codes[1], codes[0][mine])
        kept = np.concatenate([mine, theirs])
        order = np.argsort(np.concatenate(codes)[kept])
        place = np.full(kept.size, -1)
        place[np.flatnonzero(kept)[order]] = np.arange(order.size)
        pair = place[np.concatenate([self.pair, mine.size + later.pair])]

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(self, name), getattr(later, name)])

        of_pairs = ("image", "label", "selected", "maybe", "shown", "posterior", "score")
        of_answers = ("worker", "answer")
        return Frequencies(
            **{name: joined(name)[kept][order] for name in of_pairs},
            pair=pair[pair >= 0],
            **{name: joined(name)[pair >= 0] for name in of_answers},
        )


@dataclass(frozen=True)
class Partitions:
    """The objects of the images, as aggregation stored them: M labels of objects.

    image, place, label (M,): `place` numbers an image's objects, from 0. unparted (N,) bool: the
    image has objects, but its labels are too many to be parted (rule O6). equals (3, N) bool: its
    best partition is not unique; its main object is not the dataset label's by every choice among
    equals, and by some (rule O7). None where aggregation has not said.
    """

    image: Ints
    place: Ints
    label: Ints
    unparted: Bools
    equals: Bools | None = None


@dataclass(frozen=True)
class Responses:
    """The CLASSIFY campaign's R used responses, by image and then in order of submission.

    image, worker, main (R,): main -1 for none of these labels. begin (R + 1,): where each one's
    labels begin in `selected`, and `offered_begin` in `offered`. parted: the objects.
    """

    image: Ints
    worker: Ints
    main: Ints
    begin: Ints
    selected: Ints
    offered_begin: Ints
    offered: Ints
    parted: Partitions

    @cached_property
    def sizes(self) -> Ints:
        """(R,): how many labels each selected."""
        return np.diff(self.begin)


@dataclass(frozen=True)
class Predictions:
    """A classifier's labels on the images. labels, scores (N, K): by falling score, -1 and nan
    where there are fewer. logits (N, L) of float16, perhaps a map of their file, or None."""

    labels: Ints
    scores: Floats
    logits: Floats | None = None

    @property
    def top(self) -> Ints:
        """(N,): its first label; -1 without a prediction."""
        return self.labels[:, 0]

    def let_go(self) -> None:
        """Free the memory that logits take which were read from the map of a file."""
        source: Any = self.logits
        while isinstance(source, np.ndarray):
            source = source.base
        if isinstance(source, mmap):
            source.madvise(MADV_DONTNEED)


@dataclass(frozen=True)
class Rules:
    """Settings of the study's campaigns that figures read, and the seed of its splits."""

    min_judgments: int = 5
    min_relative_sf: Fraction = Fraction(1, 2)
    max_offered: int = 6
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """All of a study. dataset_label, group (N,); asked (N,) bool: the image is one of CLASSIFY's.

    group: FU, MIS, EASY, AMB or -1. Either campaign may be missing. Workers are numbered over both.
    superclass (L,): of each label, a place in `superclasses`, which are sorted by name, or -1.
    skills: what aggregation found of each worker in CONTAINS; fit: how its posteriors ended.
    added: by slug, the campaigns that asked pairs of these images later, the oldest first.
    """

    images: Sequence[str]
    labels: Sequence[str]
    workers: Sequence[str]
    dataset_label: Ints
    group: Ints
    asked: Bools
    contains: Frequencies | None = None
    classify: Responses | None = None
    models: Mapping[str, Predictions] = field(default_factory=dict)
    superclasses: Sequence[str] = ()
    superclass: Ints | None = None
    skills: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    fit: Mapping[str, float | int | bool] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    added: Mapping[str, Frequencies] = field(default_factory=dict)
    _computed: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, compute: "Callable[[Study], T]") -> T:
        """What `compute` makes of the study, kept for figures that read it again."""
        if compute not in self._computed:
            self._computed[compute] = compute(self)
        return self._computed[compute]

    @property
    def n(self) -> int:
        return len(self.images)

    @property
    def frequencies(self) -> Frequencies:
        """Of CONTAINS, which the caller knows to be there."""
        assert self.contains is not None
        return self.contains

    @cached_property
    def with_added(self) -> "Study":
        """The study with the pairs that CONTAINS did not judge, each from its own campaign."""
        if not self.added:
            return self
        joined = reduce(Frequencies.and_later, self.added.values(), self.frequencies)
        return replace(self, contains=joined, added={})

    @property
    def responses(self) -> Responses:
        """Of CLASSIFY, which the caller knows to be there."""
        assert self.classify is not None
        return self.classify

    # Objects

    @cached_property
    def answered(self) -> Bools:
        """(N,): CLASSIFY has a used response."""
        answered = np.zeros(self.n, bool)
        if self.classify is not None:
            answered[self.classify.image] = True
        return answered

    @cached_property
    def objects(self) -> Objects:
        """By the answers, also where a sample of the `easy` images was asked."""
        return objects_of(self.responses, self.dataset_label)

    @cached_property
    def without(self) -> Objects:
        """The objects of each response's image without that response."""
        return objects_without_each(self.responses, self.dataset_label)

    @cached_property
    def num_objects(self) -> Ints:
        """(N,): -1 without an answer; one where CONTAINS settled an image of CLASSIFY."""
        return np.where(self.easy, 1, self.objects.num_objects)

    # Populations

    @cached_property
    def fu(self) -> Bools:
        """Images that were followed up and answered; without a source, every answered one."""
        return self.answered & (self.group == FU if self.contains is not None else True)

    @property
    def fu_not_answered(self) -> int:
        """How many images were to be followed up and have no answer."""
        return int((self.asked & (self.group == FU) & ~self.answered).sum())

    @cached_property
    def easy(self) -> Bools:
        """Images settled in CONTAINS as one object, among those of CLASSIFY."""
        return self.asked & (self.group == EASY)

    @cached_property
    def settled(self) -> Bools:
        return self.fu | self.easy

    @cached_property
    def single(self) -> Bools:
        return self.settled & (self.num_objects == 1)

    @cached_property
    def multi(self) -> Bools:
        return self.settled & (self.num_objects > 1)

    def strata(self, population: Bools) -> Ints:
        """(N,): for the interval of a figure over this population, or a part of it."""
        return strata(self.dataset_label, population)

    # Who answered

    @property
    def contains_panel(self) -> Panel:
        return self._contains_cells[0]

    @property
    def contains_cell(self) -> Ints:
        """(A,): each answer's cell in `contains_panel`."""
        return self._contains_cells[1]

    @cached_property
    def _contains_cells(self) -> tuple[Panel, Ints]:
        contains = self.frequencies
        image = contains.image[contains.pair]
        return Panel.numbered(image, contains.worker, self.n, len(self.workers))

    @property
    def classify_panel(self) -> Panel:
        return self._classify_cells[0]

    @property
    def classify_cell(self) -> Ints:
        """(R,): each response's cell in `classify_panel`."""
        return self._classify_cells[1]

    @cached_property
    def _classify_cells(self) -> tuple[Panel, Ints]:
        classify = self.responses
        return Panel.numbered(classify.image, classify.worker, self.n, len(self.workers))

    @cached_property
    def contains_halves(self) -> NDArray[np.int32]:
        """(SPLITS, 2, P): selected, shown of each pair by half A of the workers; B is the rest."""
        contains = self.frequencies
        return counts_of_halves(
            contains.pair,
            self.contains_cell,
            self.contains_panel.image,
            contains.answer == YES,
            contains.image.size,
            self.rules.seed,
        )

    @cached_property
    def classify_halves(self) -> Bools:
        """(SPLITS, R): whether each response of CLASSIFY falls in half A."""
        return halves_of_images(self.responses.image, self.rules.seed)

    # Weights

    @cached_property
    def weights(self) -> Floats | None:
        """(N,): how many images an answered one of fu, mis or easy stands for, 0 for any other.

        None where a group has images, of which none was answered (or no image has a group).
        """
        weights = np.zeros(self.n)
        for group in (FU, MIS, EASY):
            of_group = self.asked & (self.group == group)
            answered = of_group & self.answered
            if of_group.any() and not answered.any():
                return None
            weights[answered] = of_group.sum() / max(answered.sum(), 1)
        return weights if weights.any() else None

    @cached_property
    def draw(self) -> Ints:
        """(N,): the strata of `weights`: an answered image's group, else OUTSIDE."""
        return np.where((self.weights if self.weights is not None else 0) > 0, self.group, OUTSIDE)

    @cached_property
    def lone_draw(self) -> str:
        """Why weighted figures have no interval: one image stands for its whole group."""
        for group in (FU, MIS, EASY):
            answered = (self.asked & self.answered & (self.group == group)).sum()
            if answered == 1 < (self.asked & (self.group == group)).sum():
                return f"one image of group {GROUPS[group]} stands for several"
        return ""
