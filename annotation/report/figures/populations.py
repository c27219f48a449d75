"""Estimates of one question over the populations that the figures share.

A question is asked of images; its answer may change when one worker's response is left out.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.report.arrays import Bools, Study
from annotation.report.intervals import Estimate, Moved, ratio

Values = NDArray[Any]


@dataclass(frozen=True)
class Question:
    """What is asked of N images by R responses.

    now (N,): by all responses on the image. without (R,): on each response's image without it;
    None: no answer moves it. easy (N,): on an image settled in CONTAINS. known (N,) bool: whether
    the image counts.
    """

    now: Values
    without: Values | None
    easy: Values
    known: Bools


def of_population(
    study: Study,
    asked: Question,
    population: Bools,
    counts: tuple[Bools, Bools] | None = None,
    *,
    unit: bool = True,
) -> Estimate:
    """The mean of a question over a population.

    `counts` (N,), (R,): restrict it to images of which this holds, and whether it would hold
    without each response; by default it holds for all.
    """
    inside, inside_without = counts or (np.ones(study.n, bool), None)
    d = population & asked.known & inside
    x = np.where(study.easy, asked.easy, asked.now)
    moved = None
    if asked.without is not None or inside_without is not None:
        moved = _moved(study, asked, x, d, population & asked.known & ~study.easy, inside_without)
    return ratio(x, d, study.strata(population), moved, unit=unit)


def _moved(
    study: Study,
    asked: Question,
    x: Values,
    d: Bools,
    open_to_change: Bools,
    inside_without: Bools | None,
) -> Moved:
    image = study.responses.image
    (moves,) = np.nonzero(open_to_change[image] & (study.without.num_objects >= 0))
    image = image[moves]
    after = x[image] if asked.without is None else asked.without[moves]
    d_after = d[image] if inside_without is None else inside_without[moves]
    d_before = d[image]
    x_moved = np.where(d_after, after, 0).astype(float) - np.where(d_before, x[image], 0)
    d_moved = d_after.astype(float) - d_before
    return Moved(study.classify_panel, study.classify_cell[moves], x_moved, d_moved)


def weighted(
    study: Study,
    asked: Question,
    counts: tuple[Bools, Bools] | None = None,
    *,
    unit: bool = True,
) -> Estimate | None:
    """The mean over fu, mis and easy by the answers, each answered image standing for its group.

    `counts`: as for `of_population`. None where a group has images, but no answered one.
    """
    weights = study.weights
    if weights is None:
        return None
    inside, inside_without = counts or (np.ones(study.n, bool), None)
    known = asked.known & (weights > 0)
    d, moved = known & inside, None
    if asked.without is not None or inside_without is not None:
        moved = _moved(study, asked, asked.now, d, known, inside_without)
        of_cell = weights[moved.panel.image[moved.cell]]
        moved = replace(moved, x=moved.x * of_cell, d=moved.d * of_cell)
    estimate = ratio(asked.now, d, study.draw, moved, weights=weights, unit=unit)
    return replace(estimate, barred=study.lone_draw)


def spread(study: Study, asked: Question) -> dict[str, Estimate | None]:
    """A question over settled images, those with one object and with more, fu, and weighted."""
    count, without = study.num_objects, study.without.num_objects
    return {
        "settled": of_population(study, asked, study.settled),
        "single": of_population(study, asked, study.settled, (count == 1, without == 1)),
        "multi": of_population(study, asked, study.settled, (count > 1, without > 1)),
        "fu": of_population(study, asked, study.fu),
        "weighted": weighted(study, asked),
    }


def sizes(study: Study) -> dict[str, int]:
    """How many images each population has; without CLASSIFY there is but one."""
    if study.classify is None:
        return {"all": study.n}
    return {
        "all": study.n,
        "settled": int(study.settled.sum()),
        "single": int(study.single.sum()),
        "multi": int(study.multi.sum()),
        "fu": int(study.fu.sum()),
    }


def not_predicted(study: Study) -> dict[str, int]:
    """By classifier: settled images without a prediction, which are left out."""
    return {
        name: int((study.settled & (model.top < 0)).sum()) for name, model in study.models.items()
    }
