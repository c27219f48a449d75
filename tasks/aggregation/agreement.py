"""Krippendorff's alpha: agreement between workers beyond chance."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .table import encoded


def nominal_alpha(unit: ArrayLike, value: ArrayLike, n_units: int, n_values: int) -> float:
    """Krippendorff's alpha for nominal values, with any number of values missing.

    `unit`, `value`: integers of shape (n,): what was judged, and the answer. With n_uc answers c on
    unit u, m_u = sum_c n_uc, and units of one answer left out, n = sum_u m_u, n_c = sum_u n_uc:

        alpha = 1 - (n - 1) sum_u sum_c n_uc (m_u - n_uc) / (m_u - 1) / sum_c n_c (n - n_c)

    1 is perfect agreement, 0 what chance gives, below 0 systematic disagreement. Where all
    answers are the same there is no disagreement: 1. Where no unit has two answers nothing speaks
    for agreement: 0.
    Source: Krippendorff, Content Analysis, chapter on reliability.
    """
    unit = np.asarray(unit, np.int64)
    if not unit.size:
        return 0.0
    slot = unit * n_values + np.asarray(value)
    table = np.bincount(slot, minlength=n_units * n_values).reshape(n_units, n_values)
    answers = table.sum(axis=1)
    paired = answers > 1
    table, answers = table[paired].astype(np.float64), answers[paired]
    n = float(answers.sum())
    if not n:
        return 0.0
    per_value = table.sum(axis=0)
    expected = float((per_value * (n - per_value)).sum())
    if not expected:
        return 1.0
    observed = float(((table * (answers[:, None] - table)).sum(axis=1) / (answers - 1)).sum())
    return 1.0 - (n - 1) * observed / expected


def krippendorff_alpha(data: Any) -> float:
    """nominal_alpha of a table with columns task, worker, label (see DawidSkene.fit).

    >>> votes = {"task": [1, 1, 2, 2], "worker": ["a", "b", "a", "b"], "label": [0, 0, 1, 1]}
    >>> krippendorff_alpha(votes)
    1.0
    """
    table = encoded(data)
    _, n_tasks, n_labels = table.sizes
    return nominal_alpha(table.task.codes, table.label.codes, n_tasks, n_labels)
