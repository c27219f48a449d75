"""R7: how many labels workers select nearly as often as the dataset label."""

from dataclasses import dataclass
from typing import Any

import numpy as np

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
    for (name, t), (x, d) in zip(THRESHOLDS.items(), crossed, strict=True):
        found = _at(study, _rivals(study, contains, own, enough, *t), enough)
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


def _rivals(
    study: Study, contains: Frequencies, own: Ints, enough: Bools, p: int, q: int
) -> _Counts:
    """Other labels with a frequency of at least p / q of the dataset label's, compared exactly."""
    panel = study.contains_panel
    image = contains.image[contains.pair]
    counted = enough[image]
    is_own = own[image] == contains.pair
    cell = study.contains_cell
    # Of each cell's worker: what they said of the dataset label. Nothing, no (or maybe), or yes.
    said = np.zeros(panel.image.size, int)
    mine = counted & is_own
    said[cell[mine]] = 1 + (contains.answer[mine] == YES)

    own_selected = contains.selected[own] - np.array([[0], [0], [1]])  # (3, N), by what was said
    own_shown = contains.shown[own] - np.array([[0], [1], [1]])

    def rival(selected: Ints, shown: Ints, images: Ints, without: Ints | int) -> Bools:
        least = own_selected[without, images]
        at_least = q * selected * own_shown[without, images] >= p * least * shown
        return at_least & (shown > 0) & (least > 0)

    pairs = np.arange(contains.image.size)
    (others,) = np.nonzero(enough[contains.image] & (own[contains.image] != pairs))
    at = contains.image[others]
    counts = np.stack(
        [
            np.bincount(
                at[rival(contains.selected[others], contains.shown[others], at, without)],
                minlength=study.n,
            )
            for without in range(3)
        ]
    )
    # What an answer to another label decides, given what its worker said of the dataset label.
    (answers,) = np.nonzero(counted & ~is_own)
    pair, images, without = contains.pair[answers], image[answers], said[cell[answers]]
    selected, shown = contains.selected[pair], contains.shown[pair]
    yes = contains.answer[answers] == YES
    decides = rival(selected - yes, shown - 1, images, without).astype(int) - rival(
        selected, shown, images, without
    )
    decided = np.bincount(cell[answers], decides, panel.image.size).astype(int)

    cells = np.flatnonzero(enough[panel.image])
    of, without = panel.image[cells], said[cells]
    defined = own_shown[without, of] > 0
    cells, of, without = cells[defined], of[defined], without[defined]
    return _Counts(
        own_selected[0] > 0,
        counts[0],
        cells,
        own_selected[without, of] > 0,
        counts[without, of] + decided[cells],
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
