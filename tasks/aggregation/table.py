"""Tables of task, worker and label as integer codes, which all fits work on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .packed_judgments import Ints, PackedJudgments, blocks, pack_judgments

COLUMNS = ("task", "worker", "label")


class Column(NamedTuple):
    """n values, coded as indices into their distinct values."""

    codes: Ints
    values: Any
    """The distinct values, ascending if they can be sorted, else in order of first appearance."""

    def appearance(self) -> NDArray[np.int64]:
        """The codes of the values in the order in which they first appear."""
        first = np.empty(len(self.values), np.int64)
        for rows in reversed(list(blocks(self.codes.size))):
            first[self.codes[rows][::-1]] = np.arange(rows.stop - 1, rows.start - 1, -1)
        return np.argsort(first)

    def of_rows(self, rows: NDArray[np.bool_]) -> Column:
        """Some of the rows, with only the values that occur in them."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        return Column(codes, self.values[used])


class Table(NamedTuple):
    task: Column
    worker: Column
    label: Column

    def packed(self, all_codes: bool = False) -> PackedJudgments:
        """The rows as EM takes them; pairs are the tasks."""
        columns = (self.worker.codes, self.task.codes, self.label.codes)
        return pack_judgments(*columns, *self.sizes, all_codes=all_codes)

    def known(self, true_labels: Any) -> NDArray[np.int64]:
        """(tasks,): the number of the label of each task in a mapping or Series, -1 elsewhere.

        Ignores tasks that are not in the table. Raises ValueError for a label that does not occur.
        """
        task = {value: number for number, value in enumerate(self.task.values)}
        label = {value: number for number, value in enumerate(self.label.values)}
        known = np.full(len(task), -1)
        for name, truth in dict(true_labels).items():
            if truth not in label:
                raise ValueError(f"true label {truth!r} is not among the answers")
            if name in task:
                known[task[name]] = label[truth]
        return known

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of workers, tasks and labels, as pack_judgments takes them."""
        return len(self.worker.values), len(self.task.values), len(self.label.values)


def encoded(data: Any) -> Table:
    """Code the columns task, worker and label of `data`; other columns are ignored.

    `data`: a pandas DataFrame, a pyarrow Table, a structured NumPy array, or a mapping of columns.
    Raises ValueError for a missing column, a missing value, or columns of different lengths.
    """
    columns = [encoded_column(_column(data, name), name) for name in COLUMNS]
    if len({column.codes.size for column in columns}) > 1:
        raise ValueError("task, worker and label must have the same length")
    return Table(*columns)


def encoded_column(column: Any, name: str) -> Column:
    """Code the values of one column. Raises ValueError for a missing value (None, NaN, NA)."""
    if hasattr(column, "dictionary_encode"):
        if column.null_count:
            raise ValueError(f"column {name} has missing values")
        if not str(column.type).startswith(("int", "uint")):
            return _arrow_dictionary(column, name)
        column = column.to_numpy()
    if not hasattr(column, "dtype"):
        column = _listed(column)
    if np.ma.is_masked(column):
        raise ValueError(f"column {name} has missing values")
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
    if kind == "b":
        codes, values = _integers(np.asarray(column).view(np.uint8), name)
        return Column(codes, values.astype(bool))
    if kind in "iu":
        return _integers(np.asarray(column), name)
    return _hashed(column, name)


def _listed(column: Any) -> Any:
    """A list or other sequence as an array; NumPy would turn a missing value beside texts into
    "nan", and tuples into rows."""
    import pandas as pd

    return pd.Series(list(column)).array


def _column(data: Any, name: str) -> Any:
    names = getattr(data, "column_names", None)
    try:
        return data.column(name) if names is not None else data[name]
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"the table has no column {name}") from error


def _code_type(number: int) -> type[Any]:
    if number <= 1 << 8:
        return np.uint8
    return np.uint16 if number <= 1 << 16 else np.int32 if number < 1 << 31 else np.int64


def _integers(array: NDArray[Any], name: str) -> Column:
    if not array.size:
        return Column(array.astype(np.uint16), array)
    low, high = int(array.min()), int(array.max())
    if high - low >= max(4 * array.size, 1 << 16):
        return _hashed(array, name)
    occurs = np.zeros(high - low + 1, bool)
    for rows in blocks(array.size):
        occurs[_above(array[rows], low)] = True
    values = np.flatnonzero(occurs)
    number: Ints = np.zeros(occurs.size, _code_type(values.size))
    number[values] = np.arange(values.size)
    codes: Ints = np.empty(array.size, number.dtype)
    for rows in blocks(array.size):
        codes[rows] = number[_above(array[rows], low)]
    return Column(codes, values.astype(array.dtype) + np.array(low, array.dtype))


def _above(array: NDArray[Any], low: int) -> NDArray[np.int64]:
    """How far each integer is above the lowest of a column."""
    wide = np.uint64 if array.dtype.kind == "u" else np.int64
    return (array.astype(wide) - wide(low)).astype(np.int64)


def _hashed(array: Any, name: str) -> Column:
    import pandas as pd

    codes, values = pd.factorize(array)
    if codes.size and codes.min() < 0:
        raise ValueError(f"column {name} has missing values")
    return _ascending(codes, values)


def _arrow_dictionary(column: Any, name: str) -> Column:
    """Coded by its chunks' dictionaries, which may hold duplicates, nulls or unused values."""
    import pandas as pd

    if not len(column):
        return Column(np.zeros(0, np.uint16), np.zeros(0, object))
    coded = [chunk.dictionary_encode() for chunk in getattr(column, "chunks", [column])]
    number, values = pd.factorize(pd.concat([chunk.dictionary.to_pandas() for chunk in coded]))
    begin = np.cumsum([0, *(len(chunk.dictionary) for chunk in coded)])
    codes = np.concatenate(
        [number[at + chunk.indices.to_numpy()] for at, chunk in zip(begin[:-1], coded, strict=True)]
    )
    if codes.min() < 0:
        raise ValueError(f"column {name} has missing values")
    used = _integers(codes, name)
    return _ascending(used.codes, values[used.values])


def _ascending(codes: Ints, values: Any) -> Column:
    codes = codes.astype(_code_type(len(values)))
    try:
        order = np.argsort(np.asarray(values), kind="stable")
    except TypeError:
        return Column(codes, values)
    rank = np.empty(len(values), codes.dtype)
    rank[order] = np.arange(len(values))
    return Column(rank[codes], values[order])
