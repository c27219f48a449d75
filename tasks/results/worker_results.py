"""Results of each worker, from used answers only."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.aggregation import control_skill
from tasks.models import Run
from tasks.results.answered import AnsweredAssignments
from tasks.results.arrays import lengths, to_arrow, to_numpy
from tasks.results.store import Answers
from tasks.sql import copying

Floats = NDArray[np.float64]


def write_workers(cursor, run: Run, answered: AnsweredAssignments, **measures: Floats) -> None:
    """Replace the campaign's worker results by those of everyone who answered.

    `measures`: values per worker for columns of WorkerResult, NaN where unknown.
    """
    used, n = answered.used, answered.workers.size
    items = answered.controls + answered.judgments
    empty = np.full(n, np.nan)
    columns = {
        "run_id": np.full(n, run.pk),
        "campaign_id": np.full(n, run.campaign_id),
        "worker_id": answered.workers,
        "assignments": np.bincount(answered.worker[used], minlength=n),
        "items": np.bincount(answered.worker[used], items[used], minlength=n).astype(np.int64),
        "median_seconds": medians(answered.worker[used], answered.seconds[used], n),
    } | {
        name: measures.get(name, empty)
        for name in ("control_accuracy", "agreement", "sensitivity", "specificity")
    }
    cursor.execute("DELETE FROM tasks_workerresult WHERE campaign_id = %s", [run.campaign_id])
    copying.write(cursor, "tasks_workerresult", as_table(columns))


def control_accuracy(answers: Answers, answered: AnsweredAssignments) -> Floats:
    """Per worker, the mean of the accuracies on positive and on negative controls (rule K9).

    NaN without both kinds: a worker who selects everything gets all positives right. In CLASSIFY a
    control's settled label is a positive, each other label offered a negative.
    """

    def column(name: str) -> NDArray[np.int8]:
        parts = [to_numpy(batch[name].flatten()) for batch in answers.batches]
        return np.concatenate(parts) if parts else np.empty(0, np.int8)

    each = [lengths(batch["known"]) for batch in answers.batches]
    worker = np.repeat(answered.worker, np.concatenate(each)) if each else answered.worker
    skill = control_skill(worker, column("known"), column("said"), answered.workers.size)
    return np.where((skill.positives > 0) & (skill.negatives > 0), skill.accuracy, np.nan)


def medians(group: NDArray[np.int64], value: Floats, n: int) -> Floats:
    """(n,): the median of each group's values other than NaN; NaN for an empty group."""
    group, value = group[~np.isnan(value)], value[~np.isnan(value)]
    value = value[np.lexsort((value, group))]
    size = np.bincount(group, minlength=n)
    start = np.cumsum(size) - size
    median = np.full(n, np.nan)
    some = size > 0
    low, high = (start + (size - 1) // 2)[some], (start + size // 2)[some]
    median[some] = (value[low] + value[high]) / 2
    return median


def share(part: NDArray, whole: NDArray) -> Floats:
    """part / whole, NaN where whole is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=np.asarray(whole) > 0)


def as_table(columns: dict[str, NDArray]) -> pa.Table:
    """Columns as an Arrow table; NaN is null."""

    def column(values: NDArray) -> pa.Array:
        return to_arrow(values, np.isnan(values) if values.dtype.kind == "f" else None)

    return pa.table({name: column(values) for name, values in columns.items()})
