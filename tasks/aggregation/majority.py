"""Majority vote on tables: crowd-kit's calling convention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .dawid_skene import most_probable
from .table import encoded

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class MajorityVote:
    """Each task gets the label that most workers gave it, the smallest among equals.

    `probas_`: vote shares, a row per task and a column per label, both ascending. `labels_`: the
    winners. `skills_`: per worker, the share of his answers that are the winner.

    >>> votes = {"task": [1, 1, 1, 2], "worker": ["a", "b", "c", "a"], "label": [0, 1, 1, 0]}
    >>> MajorityVote().fit_predict(votes).to_dict()
    {1: 1, 2: 0}
    """

    probas_: pd.DataFrame = field(init=False, repr=False)
    labels_: pd.Series[Any] = field(init=False, repr=False)
    skills_: pd.Series[float] = field(init=False, repr=False)

    def fit(self, data: Any, skills: Any = None) -> MajorityVote:
        """Count votes in a table with columns task, worker, label (see DawidSkene.fit).

        `skills`: a Series or mapping of workers to weights of their votes; default: all equal.
        Raises ValueError for a worker without a weight, or a task whose votes all weigh nothing.
        """
        import pandas as pd

        table = encoded(data)
        n_workers, n_tasks, n_labels = table.sizes
        slot = table.task.codes.astype(np.int64) * n_labels + table.label.codes
        weight = None if skills is None else _weights(table.worker.values, skills)
        votes = np.bincount(
            slot,
            None if weight is None else weight[table.worker.codes],
            minlength=n_tasks * n_labels,
        ).reshape(n_tasks, n_labels)
        total = votes.sum(axis=1, keepdims=True)
        if (total <= 0).any():
            raise ValueError("a task has no vote of any weight")
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


def _weights(workers: Any, skills: Any) -> Any:
    given = dict(skills)
    missing = [worker for worker in workers if worker not in given]
    if missing:
        raise ValueError(f"{len(missing)} workers have no weight, the first is {missing[0]}")
    return np.array([given[worker] for worker in workers], np.float64)
