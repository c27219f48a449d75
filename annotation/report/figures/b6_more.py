"""B6: how many more images, workers or answers would halve the headline intervals."""

from typing import Any

import numpy as np

from annotation.report.arrays import Floats, Ints, Study
from annotation.report.figures.figure import Figure, Known
from annotation.report.figures.headlines import headlines
from annotation.report.intervals import Estimate, Panel, why_none

DEFINITION = (
    "By what factor a headline interval would need more images, more answers from as many new"
    " workers, more answers from the same workers, or all of them, to be half as wide; null where"
    " no factor would do."
)
POPULATION = "as the headline figures"


def b6(study: Study) -> Figure:
    """The figure; it needs a headline estimate."""
    estimates = headlines(study)
    if not estimates:
        return Figure(DEFINITION, POPULATION, missing="a campaign with answers, or predictions")
    answers, rows = Answers(study), {}
    for pointer, estimate in estimates.items():
        factors: dict[str, Any] = dict.fromkeys(("images", "new_workers", "same_workers", "all"))
        if why_none(estimate):
            factors["all"] = Known(None, without=why_none(estimate))
        else:
            factors = _halving(estimate, answers.noise(estimate))
        rows[pointer] = factors
    return Figure(DEFINITION, POPULATION, study.n, {"headlines": rows})


def _halving(estimate: Estimate, noise: float) -> dict[str, float | None]:
    """The factors that leave a quarter of the variance.

    noise: the part of single answers, which more answers would divide, as more images would.
    """
    parts = estimate.parts
    images = max(0.0, float(parts.images[0, 0]) - noise)
    workers = max(0.0, float((parts.workers - parts.answers)[0, 0]))
    wanted = (images + workers + noise) / 4

    def factor(divided: float, stays: float) -> float | None:
        return divided / (wanted - stays) if wanted > stays else None

    return {
        "images": factor(images + noise, workers),
        "new_workers": factor(workers + noise, images),
        "same_workers": factor(noise, images + workers),
        "all": factor(4 * wanted, 0.0),
    }


class Answers:
    """The answers of both campaigns, and among how many each one stands."""

    def __init__(self, study: Study) -> None:
        self.panels: list[Panel] = []
        self.left: list[tuple[Floats, Ints]] = []  # of each cell: the mean (m - 1) / m, answers
        if (contains := study.contains) is not None:
            self._add(study.contains_panel, study.contains_cell, contains.shown[contains.pair])
        if (classify := study.classify) is not None:
            m = np.bincount(classify.image, minlength=study.n)[classify.image]
            self._add(study.classify_panel, study.classify_cell, m)

    def _add(self, panel: Panel, cell: Ints, m: Ints) -> None:
        size = panel.image.size
        self.panels.append(panel)
        n = np.bincount(cell, minlength=size)
        self.left.append((np.bincount(cell, (m - 1) / m, size) / n, n))

    def noise(self, estimate: Estimate) -> float:
        """What single answers add to the variance: the sum over workers and images of the squared
        change, less the image's mean, times (m - 1) / m.

        m: the answers to the pair, or on the image, that the worker's stands among; if they judged
        several pairs of the image, (m - 1) / m is their mean.
        """
        panel = estimate.panel
        if panel is None:
            return 0.0
        if estimate.among is None:
            left = self._left(panel)
        else:  # also where later campaigns added pairs, whose answers stand in no panel here
            m = np.maximum(estimate.among, 1)
            left = ((m - 1) / m)[panel.image]
        return float((left * estimate.centred**2).sum())

    def _left(self, panel: Panel) -> Floats:
        """(C,): the mean (m - 1) / m of each cell's answers in the campaigns of the panel."""
        for known, (left, _) in zip(self.panels, self.left, strict=True):
            if panel is known:
                return left
        totals, counts = np.zeros((2, panel.image.size))
        for known, (left, n) in zip(self.panels, self.left, strict=True):
            at = panel.cells(known.image, known.worker)
            totals[at] += left * n
            counts[at] += n
        return totals / counts
