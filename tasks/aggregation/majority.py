"""Majority vote on tables: crowd-kit's calling convention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .dawid_skene import most_probable
from .table import Table, encoded

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(eq=False)
class MajorityVote:
    """Each task gets the label that most workers gave it; of equals, the smallest.

    `probas_`: vote shares, a row per task and a column per label, both ascending. `labels_`: the
    winners. `skills_`: per worker, the share of their answers that won.

    If votes are weighted, `on_missing_skill` decides about a worker without a weight (missing or
    NaN): "error" raises, "ignore" leaves their answers out, "value" weighs them `default_skill`.

    >>> votes = {"task": [1, 1, 1, 2], "worker": ["a", "b", "c", "a"], "label": [0, 1, 1, 0]}
    >>> MajorityVote().fit_predict(votes).to_dict()
    {1: 1, 2: 0}
    """

    default_skill: float | None = None
    on_missing_skill: Literal["error", "ignore", "value"] = "error"

    probas_: pd.DataFrame = field(init=False, repr=False)
    labels_: pd.Series[Any] = field(init=False, repr=False)
    skills_: pd.Series[float] = field(init=False, repr=False)

    def fit(self, data: Any, skills: Any = None) -> MajorityVote:
        """Count votes in a table with columns task, worker, label (see DawidSkene.fit).

        `skills`: a Series or mapping of workers to weights of their votes; default: all equal.
        Raises ValueError for a worker without a weight ("error"), a task that loses all its answers
        ("ignore"), options that contradict each other, or a task whose votes all weigh nothing.
        """
        import pandas as pd

        table = encoded(data)
        weight = None
        if skills is not None:
            weight = self._weights(table.worker.values, skills)
            if self.on_missing_skill == "ignore" and (unknown := np.isnan(weight)).any():
                table, weight = _without(table, unknown), weight[~unknown]
        n_workers, n_tasks, n_labels = table.sizes
        slot = table.task.codes.astype(np.int64) * n_labels + table.label.codes
        votes = np.bincount(
            slot,
            None if weight is None else weight[table.worker.codes],
            minlength=n_tasks * n_labels,
        ).reshape(n_tasks, n_labels)
        total = votes.sum(axis=1, keepdims=True)
        if (total <= 0).any():
            raise ValueError("all votes on a task have weight 0")
        tasks = pd.Index(table.task.values, name="task")
        labels = pd.Index(table.label.values, name="label")
        shares = votes / total
        self.probas_ = pd.DataFrame(shares, index=tasks, columns=labels)
        self.labels_ = most_probable(shares, tasks, labels)
        right = np.zeros(0, bool)
        if n_tasks:
            right = shares.argmax(axis=1)[table.task.codes] == table.label.codes
        answers = np.bincount(table.worker.codes, minlength=n_workers)
        self.skills_ = pd.Series(
            np.bincount(table.worker.codes, right, minlength=n_workers) / answers,
            index=pd.Index(table.worker.values, name="worker"),
            name="skill",
        )
        return self

    def fit_predict_proba(self, data: Any, skills: Any = None) -> pd.DataFrame:
        """Fit and return `probas_`."""
        return self.fit(data, skills).probas_

    def fit_predict(self, data: Any, skills: Any = None) -> pd.Series[Any]:
        """Fit and return `labels_`."""
        return self.fit(data, skills).labels_

    def _weights(self, workers: Any, skills: Any) -> NDArray[np.float64]:
        """Each worker's weight; NaN only for workers to be ignored."""
        if self.on_missing_skill not in ("error", "ignore", "value"):
            raise ValueError(
                f'on_missing_skill is {self.on_missing_skill!r}: "error", "ignore" or "value"'
            )
        if (self.on_missing_skill == "value") != (self.default_skill is not None):
            raise ValueError('default_skill goes with on_missing_skill="value", and only with that')
        given = dict(skills)
        weights = np.array([given.get(worker, np.nan) for worker in workers], np.float64)
        missing = np.isnan(weights)
        if self.on_missing_skill == "error" and missing.any():
            first = workers[int(missing.argmax())]
            raise ValueError(f"{missing.sum()} workers have no weight, the first is {first}")
        return (
            weights
            if self.default_skill is None
            else np.where(missing, self.default_skill, weights)
        )


def _without(table: Table, workers: NDArray[np.bool_]) -> Table:
    """The table without the answers of these workers. Raises ValueError where a task loses all."""
    rows = ~workers[table.worker.codes]
    task, worker, label = (column.of_rows(rows) for column in table)
    if len(task.values) < len(table.task.values):
        lost = len(table.task.values) - len(task.values)
        raise ValueError(f"{lost} tasks have answers only of workers without a weight")
    return Table(task, worker, label)
