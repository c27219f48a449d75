"""Dawid-Skene on tables: crowd-kit's calling convention around the EM of em.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .em import Convergence, DawidSkeneResult, run_em
from .table import encoded

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


class Names(NamedTuple):
    """What the numbers of a table stand for."""

    tasks: Any
    workers: Any
    labels: Any


@dataclass(eq=False)
class DawidSkene:
    """True labels of tasks and confusion matrices of workers, by expectation maximisation.

    A task has true label c with probability `priors_[c]`; worker w answers a where the truth is c
    with probability `errors_.loc[(w, a), c]` (Dawid and Skene, Applied Statistics 28, 1979). The
    formulae, the start and the clipping are in em.py. On the same table it gives the posteriors of
    crowd-kit 1.4's DawidSkene, whose users only change the import (instead of `initial_error` it
    takes `worker_priors`).

    `n_iter`: the maximum number of iterations. `tol`: stop when an iteration improves the loss by
    less; None: run exactly `n_iter`. `smoothing`: added to each worker's expected count of each
    answer given each truth. `worker_priors`: counts known beforehand, of shape (labels, labels)
    [truth, answer] in ascending order of labels, for all workers; or a mapping of workers to such
    arrays.

    Example: eve always answers the opposite, and EM finds out.

    >>> votes = {
    ...     "task": ["cat.jpg"] * 3 + ["dog.jpg"] * 3 + ["cup.jpg"] * 3,
    ...     "worker": ["ann", "bob", "eve"] * 3,
    ...     "label": ["yes", "yes", "no", "no", "no", "yes", "yes", "yes", "no"],
    ... }
    >>> model = DawidSkene(n_iter=20).fit(votes)
    >>> model.labels_.to_dict()
    {'cat.jpg': 'yes', 'dog.jpg': 'no', 'cup.jpg': 'yes'}
    >>> round(float(model.errors_.loc[("eve", "no"), "yes"]), 3)
    1.0
    >>> model.convergence_.converged
    True
    """

    n_iter: int = 100
    tol: float | None = 1e-5
    smoothing: float = field(default=0.0, kw_only=True)
    worker_priors: ArrayLike | Mapping[Any, ArrayLike] | None = field(default=None, kw_only=True)

    probas_: pd.DataFrame = field(init=False, repr=False)
    """Posteriors: a row per task as they first appear, a column per label, ascending."""
    priors_: pd.Series[float] = field(init=False, repr=False)
    """Probability of each label."""
    errors_: pd.DataFrame = field(init=False, repr=False)
    """A row per worker and answer they gave, a column per true label."""
    labels_: pd.Series[Any] = field(init=False, repr=False)
    """The most probable label of each task; of equals, the first."""
    loss_history_: list[float] = field(init=False, repr=False)
    """One value per iteration, as crowd-kit counts it."""
    convergence_: Convergence = field(init=False, repr=False)

    _one_coin = False

    def fit(self, data: Any, true_labels: Any = None) -> DawidSkene:
        """Fit to a table with columns task, worker, label: one row per judgment.

        `data`: a pandas DataFrame, a pyarrow Table, a structured NumPy array or a mapping of
        columns. `true_labels`: a Series or mapping of tasks to labels that are known.
        """
        table = encoded(data)
        names = Names(table.task.values, table.worker.values, table.label.values)
        order = table.task.appearance()
        known = None if true_labels is None else table.known(true_labels)
        judgments = table.packed(self.smoothing > 0 or self.worker_priors is not None)
        del table  # at ten million rows its codes weigh more than all that follows
        result = run_em(
            judgments,
            len(names.tasks),
            n_iter=self.n_iter,
            tol=self.tol,
            smoothing=self.smoothing,
            worker_priors=self._priors_of(names),
            known=known,
            one_coin=self._one_coin,
        )
        del judgments
        self._keep(names, order, result)
        return self

    def fit_predict_proba(self, data: Any, true_labels: Any = None) -> pd.DataFrame:
        """Fit and return `probas_`."""
        return self.fit(data, true_labels).probas_

    def fit_predict(self, data: Any, true_labels: Any = None) -> pd.Series[Any]:
        """Fit and return `labels_`."""
        return self.fit(data, true_labels).labels_

    def _priors_of(self, names: Names) -> NDArray[np.float64] | None:
        given = self.worker_priors
        if given is None or not isinstance(given, Mapping):
            return None if given is None else np.asarray(given, np.float64)
        n_labels = len(names.labels)
        priors = np.zeros((len(names.workers), n_labels, n_labels))
        for number, worker in enumerate(names.workers):
            if worker in given:
                priors[number] = given[worker]
        return priors

    def _keep(self, names: Names, order: NDArray[np.int64], result: DawidSkeneResult) -> None:
        import pandas as pd

        labels = pd.Index(names.labels, name="label")
        tasks = pd.Index(names.tasks, name="task")[order]
        posterior = result.posterior[order]
        self.probas_ = pd.DataFrame(posterior, index=tasks, columns=labels)
        self.priors_ = pd.Series(result.priors, index=labels, name="prior")
        self.errors_ = pd.DataFrame(
            result.errors,
            index=pd.MultiIndex.from_arrays(
                [
                    pd.Index(names.workers)[result.code_worker],
                    labels[result.code_label],
                ],
                names=["worker", "label"],
            ),
            columns=labels.rename(None),
        )
        self.labels_ = most_probable(posterior, tasks, labels)
        self.loss_history_ = result.convergence.history
        self.convergence_ = result.convergence


@dataclass(eq=False)
class OneCoinDawidSkene(DawidSkene):
    """Dawid-Skene with one number per worker: the chance of a correct answer.

    All wrong answers are equally likely (Zhang, Chen, Zhou and Jordan, JMLR 17, 2016). There are
    fewer numbers to learn than in DawidSkene, but a worker's bias goes unseen. `skills_`: the
    chance per worker. Other options and results are those of DawidSkene.
    """

    skills_: pd.Series[float] = field(init=False, repr=False)

    _one_coin = True

    def _keep(self, names: Names, order: NDArray[np.int64], result: DawidSkeneResult) -> None:
        import pandas as pd

        super()._keep(names, order, result)
        workers = pd.Index(names.workers, name="worker")
        self.skills_ = pd.Series(result.skill(), index=workers, name="skill")


def most_probable(posterior: Any, tasks: Any, labels: Any) -> pd.Series[Any]:
    """The label of the largest entry of each row, the first among equals."""
    import pandas as pd

    if not len(tasks):
        return pd.Series([], index=tasks, dtype=labels.dtype, name="agg_label")
    return pd.Series(labels[posterior.argmax(axis=1)].to_numpy(), index=tasks, name="agg_label")
