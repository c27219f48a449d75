"""The edge: tables of task, worker, label in, integer codes out, and back to pandas."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .judgments import Ints, Judgments, blocks, sorted_judgments

COLUMNS = ("task", "worker", "label")


class Column(NamedTuple):
    """n values as numbers of distinct values."""

    codes: Ints
    values: Any
    """The distinct values, ascending where they can be sorted, else as they first appear."""

    def appearance(self) -> NDArray[np.int64]:
        """The numbers of the values in the order in which they first appear."""
        first = np.empty(len(self.values), np.int64)
        for rows in reversed(list(blocks(self.codes.size))):
            first[self.codes[rows][::-1]] = np.arange(rows.stop - 1, rows.start - 1, -1)
        return np.argsort(first)


class Table(NamedTuple):
    task: Column
    worker: Column
    label: Column

    def packed(self, all_codes: bool = False) -> Judgments:
        """The rows as EM takes them; pairs are the tasks."""
        columns = (self.worker.codes, self.task.codes, self.label.codes)
        return sorted_judgments(*columns, *self.sizes, all_codes=all_codes)

    def known(self, true_labels: Any) -> NDArray[np.int64]:
        """(tasks,): the number of the label of each task in a mapping or Series, -1 elsewhere.

        Tasks that do not occur are passed over. Raises ValueError for a label that does not occur.
        """
        task = {value: number for number, value in enumerate(self.task.values)}
        label = {value: number for number, value in enumerate(self.label.values)}
        known = np.full(len(task), -1)
        for name, truth in dict(true_labels).items():
            if truth not in label:
                raise ValueError(f"true label {truth!r} is nobody's answer")
            if name in task:
                known[task[name]] = label[truth]
        return known

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of workers, tasks and labels, as fit_dawid_skene takes them."""
        return len(self.worker.values), len(self.task.values), len(self.label.values)


def encoded(data: Any) -> Table:
    """Number the columns task, worker and label of `data`; other columns are left alone.

    `data`: a pandas DataFrame, a pyarrow Table, a structured NumPy array, or a mapping of columns.
    Raises ValueError for a missing column, a missing value, or columns of different lengths.
    """
    columns = [encoded_column(_column(data, name), name) for name in COLUMNS]
    if len({column.codes.size for column in columns}) > 1:
        raise ValueError("task, worker and label must have the same length")
    return Table(*columns)


def encoded_column(column: Any, name: str) -> Column:
    """Number the values of one column."""
    if hasattr(column, "dictionary_encode"):
        if column.null_count:
            raise ValueError(f"column {name} has missing values")
        if not str(column.type).startswith(("int", "uint")):
            return _arrow_dictionary(column)
        column = column.to_numpy()
    array = column if hasattr(column, "dtype") else np.asarray(column)
    kind = getattr(array.dtype, "kind", "O") if isinstance(array.dtype, np.dtype) else "O"
    if kind == "b":
        codes, values = _integers(np.asarray(array).view(np.uint8), name)
        return Column(codes, values.astype(bool))
    if kind in "iu":
        return _integers(np.asarray(array), name)
    return _hashed(array, name)


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
        occurs[array[rows].astype(np.int64) - low] = True
    values = np.flatnonzero(occurs)
    number: Ints = np.zeros(occurs.size, _code_type(values.size))
    number[values] = np.arange(values.size)
    codes: Ints = np.empty(array.size, number.dtype)
    for rows in blocks(array.size):
        codes[rows] = number[array[rows].astype(np.int64) - low]
    return Column(codes, (values + low).astype(array.dtype))


def _hashed(array: Any, name: str) -> Column:
    import pandas as pd

    codes, values = pd.factorize(array)
    if codes.size and codes.min() < 0:
        raise ValueError(f"column {name} has missing values")
    return _ascending(codes, values)


def _arrow_dictionary(column: Any) -> Column:
    if not len(column):
        return Column(np.zeros(0, np.uint16), np.zeros(0, object))
    coded = column.dictionary_encode()
    if hasattr(coded, "combine_chunks"):
        coded = coded.unify_dictionaries().combine_chunks()
    if hasattr(coded, "chunks"):
        coded = coded.chunks[0]
    return _ascending(coded.indices.to_numpy(), coded.dictionary.to_pandas().to_numpy())


def _ascending(codes: Ints, values: Any) -> Column:
    codes = codes.astype(_code_type(len(values)))
    try:
        order = np.argsort(np.asarray(values), kind="stable")
    except TypeError:
        return Column(codes, values)
    rank = np.empty(len(values), codes.dtype)
    rank[order] = np.arange(len(values))
    return Column(rank[codes], values[order])
