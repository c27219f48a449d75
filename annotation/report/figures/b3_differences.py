"""B3: which classifiers differ under each metric of the leaderboard."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy import special

from annotation.report.arrays import Study
from annotation.report.figures.b1_leaderboard import Metric, metrics
from annotation.report.figures.figure import Figure, Known
from annotation.report.intervals import bounds, why_none

DEFINITION = (
    "Differences a - b between classifiers under each metric of the leaderboard, paired by images"
    " and workers; p of no difference, and p_holm, adjusted for all pairs of a metric (Holm)."
)
POPULATION = "settled images; for a likely label and selection frequency all images"


def b3(study: Study) -> Figure:
    """The figure; it needs predictions of two classifiers, and a campaign."""
    if len(study.models) < 2 or (study.contains is None and study.classify is None):
        return Figure(
            DEFINITION,
            POPULATION,
            missing="a campaign with answers, and predictions of two classifiers",
        )
    rows = [row for key, metric in study.once(metrics).items() for row in _rows(key, metric)]
    return Figure(DEFINITION, POPULATION, study.n, {"differences": rows})


def _rows(key: str, metric: Metric) -> list[dict[str, Any]]:
    names = sorted(name for name, each in metric.value.items() if each.value is not None)
    rows = [_row(key, metric, a, b) for a, b in combinations(names, 2)]
    tested = [row for row in rows if row["p"] is not None]
    for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = p
    return rows


def _row(key: str, metric: Metric, a: str, b: str) -> dict[str, Any]:
    first, second = metric.value[a], metric.value[b]
    assert first.value is not None
    assert second.value is not None
    value = first.value - second.value
    difference, error, p = Known(value, without=why_none(first) or why_none(second)), None, None
    if not difference.without:
        at = [metric.compared.index(name) for name in (a, b)]
        error = float(np.sqrt(metric.parts.variance_of_difference(*at)))
        groups = min(first.images, second.images)
        if first.panel is not None:
            groups = min(groups, first.panel.workers)
        difference = Known(value, bounds(value, error, groups, 0.0, unit=False))
        p = _p(value, error, groups)
    return {
        "metric": key,
        "a": a,
        "b": b,
        "difference": difference,
        "se": error,
        "p": p,
        "p_holm": None,
    }


def _p(difference: float, error: float, groups: int) -> float:
    """The two-sided p of no difference, by Student's t with groups - 1 degrees of freedom."""
    if not error:
        return float(difference == 0)
    return float(2 * special.stdtr(groups - 1, -abs(difference) / error))


def holm(p_values: Sequence[float]) -> list[float]:
    """p adjusted for their number, step by step from the smallest (Holm 1979)."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted.tolist()
