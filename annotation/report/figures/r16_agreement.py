"""R16: how far workers agree with each other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.report.arrays import MAYBE, NO, Bools, Floats, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.intervals import Estimate, Moved, Panel, ratio, summed
from tasks.aggregation import agreement_of_counts

DEFINITION = (
    "Krippendorff's alpha (nominal) over pairs with two answers or more; alpha_yes: with maybe as"
    " no. Pairwise agreement: each pair, or image, weighs as many as its answers."
)
FEW = 3  # values: then every unit and value has a place of its own, and nothing is sorted
POPULATION = "pairs with two answers or more; followed-up images with two responses or more"


def r16(study: Study) -> Figure:
    """The figure; each half needs its campaign."""
    if study.contains is None and study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a campaign with answers")
    data: dict[str, Any] = {"contains": None, "classify": None}
    if (contains := study.contains) is not None:
        answer = contains.answer
        image, panel, cell = (
            contains.image[contains.pair],
            study.contains_panel,
            study.contains_cell,
        )
        votes = yes = _Votes(contains.pair, image, cell, answer, panel)
        if contains.maybe.any():
            as_no = np.where(answer == MAYBE, NO, answer)
            yes = _Votes(contains.pair, image, cell, as_no, panel)
        everything = study.strata(np.ones(study.n, bool))
        alpha = votes.alpha(everything)
        data["contains"] = {
            "alpha": alpha,
            "alpha_yes": alpha if yes is votes else yes.alpha(everything),
            "pairwise_agreement": votes.pairwise(everything),
            "judgments": contains.pair.size,
        }
    if (classify := study.classify) is not None:
        of_fu = study.fu[classify.image]
        image, panel, cell = classify.image[of_fu], study.classify_panel, study.classify_cell[of_fu]
        votes = _Votes(image, image, cell, classify.main[of_fu] + 1, panel)
        stratum = study.strata(study.fu)
        data["classify"] = {
            "responses": int(votes.paired.sum()),
            "pairwise_agreement": votes.pairwise(stratum),
            "mean_modal_share": votes.modal_share(stratum),
            "unanimous": votes.unanimous(stratum),
        }
    return Figure(DEFINITION, POPULATION, study.n, data)


class _Votes:
    """Answers on units (pairs, or images), each of an image; "none of these" is a value.

    unit, image, cell, value (n,). m, own (n,): answers of the unit, and equal ones among them.
    paired (n,): the unit has two answers or more.
    """

    def __init__(self, unit: Ints, image: Ints, cell: Ints, value: Ints, panel: Panel) -> None:
        self.unit, self.image, self.cell, self.value, self.panel = unit, image, cell, value, panel
        self.width = int(value.max(initial=0)) + 1
        code = unit.astype(np.int64) * self.width + value
        if self.width <= FEW:
            codes = np.arange((int(unit.max(initial=-1)) + 1) * self.width)
            group, count = code, np.bincount(code, minlength=codes.size)
        else:
            codes, group, count = np.unique(code, return_inverse=True, return_counts=True)
        self.groups, self.of_unit, self.of_value = count, codes // self.width, codes % self.width
        sizes = np.bincount(unit)
        self.m, self.own = sizes[unit], count[group]
        self.paired = self.m > 1
        squares = np.bincount(self.of_unit, count * (count - 1), sizes.size)
        self.alike = squares[unit]  # ordered pairs of equal answers of the unit
        largest = np.zeros(sizes.size, int)
        np.maximum.at(largest, self.of_unit, count)
        self.largest, self.sizes = largest, sizes
        self.modes = np.bincount(self.of_unit, count == largest[self.of_unit], sizes.size)

    def _of_image(self, value: Floats) -> Floats:
        return np.bincount(self.image, np.where(self.paired, value, 0), self.panel.n_images)

    @property
    def _less_one(self) -> NDArray[Any]:
        """(n,): what the unit's m times agreement becomes without the answer, scaled to m."""
        m = self.m
        left = self.alike - 2 * (self.own - 1)
        return left / np.maximum(m - 2, 1) * m / np.maximum(m - 1, 1)

    @property
    def _agreed(self) -> Floats:
        """(n,): each answer's share of its unit's m times agreement; they add up to it."""
        return (self.own - 1) / np.maximum(self.m - 1, 1)

    def pairwise(self, stratum: Ints) -> Estimate:
        x, d = self._of_image(self._agreed), self._of_image(np.ones(self.m.size))
        (moves,) = np.nonzero(self.m > 2)
        now = (self.alike / np.maximum(self.m - 1, 1))[moves]
        moved = Moved(self.panel, self.cell[moves], self._less_one[moves] - now)
        return ratio(x, d, stratum, moved)

    def alpha(self, stratum: Ints) -> Estimate:
        """Krippendorff's; its effects are the derivative of 1 - Do / De."""
        n = float(self.paired.sum())
        found = agreement_of_counts(self.groups, self.of_unit, self.of_value)
        shares = np.bincount(self.value[self.paired], minlength=self.width) / max(n, 1)
        apart = 1 - found.percent
        expected = (1 - float((shares**2).sum())) * n / max(n - 1, 1)
        images = np.zeros(self.panel.n_images)
        if not n or not expected:
            return Estimate(None, images, stratum, 0, 0.0, self.panel, unit=False)
        chance = 2 * apart / expected
        m = self._of_image(np.ones(self.m.size))
        usual = float((shares**2).sum())
        a = m - self._of_image(self._agreed)
        p = self._of_image(shares[self.value])
        effect = -(a - apart * m + chance * (p - usual * m)) / (n * expected)
        (moves,) = np.nonzero(self.m > 2)
        size, value = self.m[moves], self.value[moves]
        alike = self._less_one[moves] - (self.alike / np.maximum(self.m - 1, 1))[moves]
        shown = np.bincount(self.unit, shares[self.value])[self.unit][moves]
        usually = (shown - shares[value]) * size / (size - 1) - shown
        change = -(-alike + chance * usually) / (n * expected)
        cell, change = summed(self.panel, self.cell[moves], change)
        return Estimate(
            found.alpha,
            effect,
            stratum,
            int((m > 0).sum()),
            n,
            self.panel,
            cell,
            change,
            unit=False,
        )

    def modal_share(self, stratum: Ints) -> Estimate:
        """Units are images: the mean share of the most frequent value."""
        share, largest = self.largest / np.maximum(self.sizes, 1), self._largest_without
        return self._mean(share, largest / np.maximum(self.m - 1, 1), stratum)

    def unanimous(self, stratum: Ints) -> Estimate:
        """Units are images: the share on which all answers are the same."""
        return self._mean(self.largest == self.sizes, self._largest_without == self.m - 1, stratum)

    @property
    def _largest_without(self) -> Ints:
        alone_on_top = (self.own == self.largest[self.unit]) & (self.modes[self.unit] == 1)
        return self.largest[self.unit] - alone_on_top

    def _mean(self, now: Floats | Bools, without: Floats | Bools, stratum: Ints) -> Estimate:
        counted = np.zeros(self.panel.n_images, bool)
        counted[: self.sizes.size] = self.sizes > 1
        x = np.zeros(self.panel.n_images)
        x[: self.sizes.size] = now
        (moves,) = np.nonzero(self.m > 2)
        change = without[moves] - x[self.image[moves]]
        return ratio(x, counted, stratum, Moved(self.panel, self.cell[moves], change))
