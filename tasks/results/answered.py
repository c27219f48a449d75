"""The answered assignments of a run as arrays, and what the run records about them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.results.arrays import lengths, to_numpy
from tasks.results.store import Answers
from tasks.results.stored_answers import Status

SET_APART = {
    Status.SET_ASIDE: "set_aside",
    Status.REJECTED: "rejected",
    Status.WAITING: "waiting_for_review",
    Status.RETURNED: "returned",
    Status.LATE: "late",
}


@dataclass
class RunSummary:
    """The columns of a run's row: counts, agreement, convergence and notes."""

    counts: dict[str, int]
    agreement: dict[str, float | int] | None = None
    convergence: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AnsweredAssignments:
    """One value per answered assignment, in the order of the answers' batches."""

    assignment: NDArray[np.int64]
    """Ids."""
    workers: NDArray[np.int64]
    """(n_workers,): ids, ascending."""
    worker: NDArray[np.int64]
    """Number of the worker in `workers`."""
    used: NDArray[np.bool_]
    status: NDArray[np.int8]
    seconds: NDArray[np.float64]
    """Active seconds, NaN if not measured."""
    shown: NDArray[np.int64]
    """Items, including controls and unseen ones."""
    controls: NDArray[np.int64]
    """Controls that the worker saw."""
    judgments: NDArray[np.int64]
    """Used study judgments."""

    @classmethod
    def of(cls, answers: Answers, judged: str) -> "AnsweredAssignments":
        """`judged`: the column whose lists have an entry per judgment."""

        def column(name: str, kind: type) -> NDArray:
            parts = [to_numpy(batch[name]) for batch in answers.batches]
            return np.concatenate(parts).astype(kind) if parts else np.empty(0, kind)

        judgments = [lengths(batch[judged]) for batch in answers.batches]
        workers, worker = np.unique(column("worker", np.int64), return_inverse=True)
        status = column("status", np.int8)
        return cls(
            column("assignment", np.int64),
            workers,
            worker,
            status == Status.USED,
            status,
            column("seconds", np.float64),
            column("shown", np.int64),
            column("controls", np.int64),
            np.concatenate(judgments) if judgments else np.empty(0, np.int64),
        )

    def counts(self) -> dict[str, int]:
        """Judgments by what became of them; results contain only those under `judgments`."""
        used = self.used
        seen = self.controls[used].sum() + self.judgments[used].sum()
        apart = np.bincount(self.status, self.shown, minlength=len(Status))
        return {
            "judgments": int(self.judgments.sum()),
            "assignments": int(used.sum()),
            "workers": int(np.unique(self.worker[self.judgments > 0]).size),
            "controls": int(self.controls[used].sum()),
            "unseen": int(self.shown[used].sum() - seen),
        } | {name: int(apart[status]) for status, name in SET_APART.items()}
