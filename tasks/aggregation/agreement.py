"""Krippendorff's alpha: agreement between workers beyond chance."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .table import encoded


class Agreement(NamedTuple):
    """How far workers agree on the units that several of them judged."""

    alpha: float
    """Krippendorff's alpha (see nominal_alpha)."""
    percent: float
    """Share of agreeing pairs of workers, each unit weighing as many as its answers: 0 to 1."""
    units: int
    """Units with at least two answers; both numbers are computed from these alone."""
    answers: int
    """Answers to these units."""


def nominal_alpha(unit: ArrayLike, value: ArrayLike, n_units: int, n_values: int) -> float:
    """Krippendorff's alpha for nominal values, with any number of values missing.

    `unit`, `value`: integers of shape (n,): what was judged, and the answer. With n_uc answers c on
    unit u, m_u = sum_c n_uc, and units of one answer left out, n = sum_u m_u, n_c = sum_u n_uc:

        alpha = 1 - (n - 1) sum_u sum_c n_uc (m_u - n_uc) / (m_u - 1) / sum_c n_c (n - n_c)

    1 is perfect agreement, 0 agreement by chance, below 0 systematic disagreement. If all answers
    are the same, alpha is 1; if no unit has two answers, 0.
    Source: Krippendorff, Content Analysis, chapter on reliability.
    """
    unit = np.asarray(unit, np.int64)
    if not unit.size:
        return 0.0
    slot = unit * n_values + np.asarray(value)
    values = np.tile(np.arange(n_values), n_units)
    units = np.repeat(np.arange(n_units), n_values)
    return agreement_of_counts(np.bincount(slot, minlength=values.size), units, values).alpha


def agreement_of_counts(count: ArrayLike, unit: ArrayLike, value: ArrayLike) -> Agreement:
    """Alpha and percent agreement from counts of answers.

    Flat arrays with one entry per unit and possible value: how often it was given, the unit
    (ascending), the value (from 0). Each unit may have values of its own: only equal ones agree.
    Percent agreement is alpha's observed part, 1 - sum_u sum_c n_uc (m_u - n_uc) / (m_u - 1) / n.
    """
    count, unit, value = np.asarray(count), np.asarray(unit), np.asarray(value)
    if not count.size:
        return Agreement(0.0, 0.0, 0, 0)
    begin = np.flatnonzero(np.diff(unit, prepend=unit[0] - 1))
    answers = np.add.reduceat(count, begin)
    paired = answers > 1
    each = np.repeat(np.where(paired, answers, 0), np.diff(begin, append=unit.size))
    n = float(answers[paired].sum())
    if not n:
        return Agreement(0.0, 0.0, 0, 0)
    apart = np.where(each > 0, count * (each - count) / np.maximum(each - 1, 1), 0.0)
    percent = 1.0 - float(apart.sum()) / n
    units = int(paired.sum())
    per_value = np.bincount(value, np.where(each > 0, count, 0))
    expected = float((per_value * (n - per_value)).sum())
    alpha = 1.0 - (n - 1) * float(apart.sum()) / expected if expected else 1.0
    return Agreement(alpha, percent, units, int(n))


def krippendorff_alpha(data: Any) -> float:
    """nominal_alpha of a table with columns task, worker, label (see DawidSkene.fit).

    >>> votes = {"task": [1, 1, 2, 2], "worker": ["a", "b", "a", "b"], "label": [0, 0, 1, 1]}
    >>> krippendorff_alpha(votes)
    1.0
    """
    table = encoded(data)
    _, n_tasks, n_labels = table.sizes
    return nominal_alpha(table.task.codes, table.label.codes, n_tasks, n_labels)
