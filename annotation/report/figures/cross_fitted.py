"""Figures of which one half of the workers chooses what the other half answers."""

from dataclasses import replace

from annotation.report.arrays import Floats
from annotation.report.intervals import Estimate


def cross_fitted(raw: Estimate, x: Floats, d: Floats) -> Estimate:
    """The mean over splits of sum(x) / sum(d); x, d (splits, N).

    What workers change in it, and the number of groups, are those of the raw figure.
    """
    totals = d.sum(1)
    if not totals.all():
        return replace(raw, value=None)
    value = float((x.sum(1) / totals).mean())
    mean_x, mean_d = x.mean(0), d.mean(0)
    n = float(mean_d.sum())
    return replace(raw, value=value, effect=(mean_x - value * mean_d) / n, n=n)
