"""R7: how many labels workers select nearly as often as the dataset label."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.report.arrays import YES, Bools, Floats, Frequencies, Ints, Study
from annotation.report.figures.cross_fitted import cross_fitted
from annotation.report.figures.figure import Figure
from annotation.report.figures.r10_selection import pair_of
from annotation.report.intervals import Estimate, Moved, ratio

DEFINITION = (
    "Labels of an image with a selection frequency of at least t times the dataset label's, itself"
    " among them. counting_mis: images with another such label, or whose dataset label nobody"
    " selected, of all with enough judgments."
)
POPULATION = "images whose dataset label has enough judgments and was selected"
THRESHOLDS = {"0.5": (1, 2), "0.75": (3, 4), "1.0": (1, 1)}  # t as a fraction


def r7(study: Study) -> Figure:
    """The figure; it needs CONTAINS."""
    contains = study.contains
    if contains is None:
        return Figure(DEFINITION, POPULATION, missing="a CONTAINS campaign with answers")
    own = pair_of(study, study.dataset_label)
    enough = (own >= 0) & (contains.shown[own] >= study.rules.min_judgments)
    primary = enough & (contains.selected[own] > 0)
    thresholds = {}
    crossed = _crossed(study, contains, own, primary)
    rivals = _Rivals(study, contains, own, enough)
    for (name, t), (x, d) in zip(THRESHOLDS.items(), crossed, strict=True):
        found = _at(study, rivals.at(*t), enough)
        found["cross_fitted"] = cross_fitted(found["fraction_with_another"], x, d)
        thresholds[name] = found
    return Figure(
        DEFINITION,
        POPULATION,
        int(primary.sum()),
        {
            "thresholds": thresholds,
            "left_out": {
                "too_few": int(((study.dataset_label >= 0) & ~enough).sum()),
                "never_selected": int((enough & ~primary).sum()),
            },
        },
    )


@dataclass(frozen=True)
class _Counts:
    """Of images: whether the dataset label was selected, and how many other labels rival it.

    selected, rivals (N,). cell (n,): cells of the panel; selected_without, rivals_without (n,):
    the same of the cell's image without its worker.
    """

    selected: Bools
    rivals: Ints
    cell: Ints
    selected_without: Bools
    rivals_without: Ints


class _Rivals:
    """Other labels, measured by the dataset label of their image, of images with `enough` answers.

    said (C,): what each cell's worker said of the dataset label: 0 nothing, 1 no (or maybe), 2 yes.
    slot (A,): of each answer, a place by what its worker said of the dataset label, then by the
    answer, then by pair.
    """

    def __init__(self, study: Study, contains: Frequencies, own: Ints, enough: Bools) -> None:
        self.contains, self.n = contains, study.n
        self.cell, panel = study.contains_cell, study.contains_panel
        said = np.zeros(panel.image.size, np.int32)
        mine = np.zeros(contains.image.size, bool)
        mine[own[enough]] = True
        (answers,) = np.nonzero(mine[contains.pair])
        said[self.cell[answers]] = 1 + (contains.answer[answers] == YES)
        self.slot = 2 * said[self.cell] + (contains.answer == YES)
        self.slot = self.slot * contains.image.size + contains.pair
        # (3, N), by what was said: the counts of the dataset label without that worker.
        self.own_selected = contains.selected[own] - np.array([[0], [0], [1]])
        self.own_shown = contains.shown[own] - np.array([[0], [1], [1]])
        (self.others,) = np.nonzero(enough[contains.image] & ~mine)
        self.images = contains.image[self.others]
        self.cells = np.flatnonzero(enough[panel.image])
        self.of, self.without = panel.image[self.cells], said[self.cells]
        defined = self.own_shown[self.without, self.of] > 0
        self.cells, self.of, self.without = (
            each[defined] for each in (self.cells, self.of, self.without)
        )

    def at(self, p: int, q: int) -> _Counts:
        """Those with a frequency of at least p / q of the dataset label's, compared exactly."""
        contains = self.contains
        selected, shown = contains.selected[self.others], contains.shown[self.others]

        def rival(selected: Ints, shown: Ints, said: int) -> NDArray[np.int8]:
            least, of = self.own_selected[said, self.images], self.own_shown[said, self.images]
            at_least = q * selected * of >= p * least * shown
            return (at_least & (shown > 0) & (least > 0)).astype(np.int8)

        counts = np.zeros((3, self.n), int)
        # What an answer to another label decides, given what its worker said of the dataset label.
        decides = np.zeros((3, 2, contains.image.size), np.int8)
        for said in range(3):
            now = rival(selected, shown, said)
            counts[said] = np.bincount(self.images[now > 0], minlength=self.n)
            for yes in range(2):
                decides[said, yes, self.others] = rival(selected - yes, shown - 1, said) - now
        decided = decides.reshape(-1)[self.slot]
        (answers,) = np.nonzero(decided)
        size = int(self.cells.max(initial=-1)) + 1
        decided = np.bincount(self.cell[answers], decided[answers], size).astype(int)
        return _Counts(
            self.own_selected[0] > 0,
            counts[0],
            self.cells,
            self.own_selected[self.without, self.of] > 0,
            counts[self.without, self.of] + decided[self.cells],
        )


def _at(study: Study, counts: _Counts, enough: Bools) -> dict[str, Any]:
    primary = enough & counts.selected
    another, another_without = counts.rivals > 0, counts.rivals_without > 0
    stratum = study.strata(enough)
    panel = study.contains_panel
    image = panel.image[counts.cell]

    def mean(
        x: np.ndarray,
        x_without: np.ndarray,
        d: Bools,
        d_without: Bools,
        unit: bool = True,
    ) -> Estimate:
        x, x_without = np.where(d, x, 0), np.where(d_without, x_without, 0)
        change = x_without.astype(float) - x[image]
        inside = d_without.astype(float) - d[image]
        (moves,) = np.nonzero((change != 0) | (inside != 0))
        moved = Moved(panel, counts.cell[moves], change[moves], inside[moves])
        return ratio(x, d, stratum, moved, unit=unit)

    without = counts.selected_without
    everybody = np.ones(image.size, bool)
    numbers, images = np.unique(1 + counts.rivals[primary], return_counts=True)
    return {
        "images_with_another": int((primary & another).sum()),
        "fraction_with_another": mean(another, another_without, primary, without),
        "mean_labels": mean(
            1 + counts.rivals, 1 + counts.rivals_without, primary, without, unit=False
        ),
        "histogram": {str(number): int(n) for number, n in zip(numbers, images, strict=True)},
        "counting_mis": mean(
            another | ~counts.selected, another_without | ~without, enough, everybody
        ),
    }


def _crossed(
    study: Study, contains: Frequencies, own: Ints, primary: Bools
) -> list[tuple[Floats, Floats]]:
    """(x, d), each (splits, N), at each threshold.

    The rival is the other label with the highest frequency in half A, of equals the first by key;
    what counts is how it compares with the dataset label in half B.
    """
    size = contains.image.size
    first = np.flatnonzero(np.diff(contains.image, prepend=-1))  # of each image that has pairs
    of = contains.image[first]
    is_own = own[contains.image] == np.arange(size)
    halves = study.contains_halves
    x = np.zeros((len(THRESHOLDS), halves.shape[0], study.n))
    d = np.zeros((halves.shape[0], study.n))
    for split, (selected, shown) in enumerate(halves):
        sf = np.where((shown > 0) & ~is_own, selected / np.maximum(shown, 1), -1.0)
        best = np.full(study.n, -1.0)
        best[of] = np.maximum.reduceat(sf, first) if size else sf
        (highest,) = np.nonzero((sf == best[contains.image]) & (sf >= 0))
        rival = np.full(study.n, -1)
        rival[contains.image[highest][::-1]] = highest[::-1]  # of equals the first stays
        selected, shown = contains.selected - selected, contains.shown - shown
        counted = primary & (selected[own] > 0) & ((rival < 0) | (shown[rival] > 0))
        d[split] = counted
        for row, (p, q) in enumerate(THRESHOLDS.values()):
            at_least = q * selected[rival] * shown[own] >= p * selected[own] * shown[rival]
            x[row, split] = counted & (rival >= 0) & at_least
    return [(each, d) for each in x]
