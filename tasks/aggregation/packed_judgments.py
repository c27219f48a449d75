"""Judgments packed for EM: sorted by pair, each a short code for its worker and answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import kernels

LARGE = 8_000_000
"""Judgments x classes from which compiled loops are worth loading, which takes as long as a hundred
or so iterations of this size in NumPy."""

BLOCK = 1 << 20
"""Rows processed together, so that intermediate arrays stay small."""

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class PackedJudgments:
    """n judgments in the order of their pairs; only judged pairs are numbered."""

    n_workers: int
    n_classes: int
    judged: slice | Ints
    """Which of the caller's pairs were judged, ascending."""
    begin: Ints
    """(n_judged + 1,): where each pair's judgments begin in `code`."""
    code: Ints
    """(n,): for each judgment, the row of `code_worker` and `code_label`: who answered what."""
    code_worker: NDArray[np.int64]
    code_label: NDArray[np.int64]

    @property
    def n(self) -> int:
        return self.code.size

    @property
    def n_judged(self) -> int:
        return self.begin.size - 1

    @property
    def n_codes(self) -> int:
        return self.code_worker.size

    @property
    def large(self) -> bool:
        return self.n * self.n_classes >= LARGE

    @cached_property
    def worker_begin(self) -> NDArray[np.int64]:
        """The first code of each worker who has one."""
        return np.flatnonzero(np.diff(self.code_worker, prepend=-1))

    @cached_property
    def codes_of_worker(self) -> NDArray[np.int64]:
        return np.diff(self.worker_begin, append=self.n_codes)

    @cached_property
    def judgments_of_pair(self) -> Ints:
        return np.diff(self.begin)

    @cached_property
    def pair_of_each(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(self.n_judged), self.judgments_of_pair)


def pack_judgments(
    worker: ArrayLike,
    pair: ArrayLike,
    label: ArrayLike,
    n_workers: int,
    n_pairs: int,
    n_classes: int,
    *,
    all_codes: bool = False,
) -> PackedJudgments:
    """Pack three flat integer arrays of one length, in any order of rows.

    With `all_codes` each worker has a code for each class, otherwise for the answers they gave.
    Raises ValueError for arrays of different lengths or an index outside its range.
    """
    worker, pair, label = (_flat(column) for column in (worker, pair, label))
    if not worker.size == pair.size == label.size:
        raise ValueError("worker, pair and label must have the same length")
    _check(worker, n_workers, "worker")
    _check(pair, n_pairs, "pair")
    _check(label, n_classes, "label")
    code, code_worker, code_label = _codes(worker, label, n_workers, n_classes, all_codes)
    judged, begin, code = _by_pair(pair, code, n_pairs, n_classes)
    return PackedJudgments(n_workers, n_classes, judged, begin, code, code_worker, code_label)


def narrowest(most: int) -> type[Any]:
    """The smallest type that holds 0..most and that loops are compiled for."""
    return np.uint16 if most < 1 << 16 else np.uint32 if most < 1 << 32 else np.uint64


def blocks(n: int) -> Iterator[slice]:
    return (slice(at, min(at + BLOCK, n)) for at in range(0, n, BLOCK))


def _flat(column: ArrayLike) -> Ints:
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError("worker, pair and label must be flat arrays")
    if not array.size:
        return array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"worker, pair and label must be integers, not {array.dtype}")
    return array


def _check(column: Ints, number: int, name: str) -> None:
    if column.size and (column.min() < 0 or column.max() >= number):
        raise ValueError(f"a {name} index is outside 0..{number - 1}")


def _codes(
    worker: Ints, label: Ints, n_workers: int, n_classes: int, all_codes: bool
) -> tuple[Ints, NDArray[np.int64], NDArray[np.int64]]:
    def raw(rows: slice) -> NDArray[np.int64]:
        return worker[rows].astype(np.int64) * n_classes + label[rows]

    n, possible = worker.size, n_workers * n_classes
    if all_codes or possible <= max(4 * n, 1 << 16):
        occurs = np.full(possible, all_codes)
        for rows in blocks(n):
            occurs[raw(rows)] = True
        used = np.flatnonzero(occurs)
        number: Ints = np.zeros(possible, narrowest(used.size))
        number[used] = np.arange(used.size)
        code: Ints = np.empty(n, number.dtype)
        for rows in blocks(n):
            code[rows] = number[raw(rows)]
    else:
        used, inverse = np.unique(raw(slice(0, n)), return_inverse=True)
        code = inverse.astype(narrowest(used.size))
    return code, used // n_classes, used % n_classes


def _by_pair(
    pair: Ints, code: Ints, n_pairs: int, n_classes: int
) -> tuple[slice | Ints, Ints, Ints]:
    n = pair.size
    index: type[Any] = np.int32 if n < 1 << 31 else np.int64
    counts = np.zeros(n_pairs, index)
    ascending = True
    for rows in blocks(n):
        part = pair[rows]
        low, high = int(part.min()), int(part.max())
        if (high - low) <= 8 * part.size:
            counts[low : high + 1] += np.bincount(part - low).astype(index)
        else:
            np.add.at(counts, part, 1)
        upto = pair[rows.start : rows.stop + 1]
        ascending = ascending and bool((upto[1:] >= upto[:-1]).all())

    judged: slice | Ints = slice(None)
    if (counts == 0).any():
        judged = np.flatnonzero(counts)
    begin = np.zeros(counts[judged].size + 1, index)
    np.cumsum(counts[judged], out=begin[1:])
    if ascending:
        return judged, begin, code
    if n * n_classes < LARGE:
        return judged, begin, code[_stable_order(pair)]
    start = np.zeros(n_pairs, index)
    np.cumsum(counts[:-1], out=start[1:])
    out = np.empty_like(code)
    kernels.compiled().sort_by_pair(
        np.ascontiguousarray(pair, np.int32 if n_pairs < 1 << 31 else np.int64),
        np.ascontiguousarray(code),
        start,
        out,
    )
    return judged, begin, out


def _stable_order(values: Ints) -> NDArray[np.int64]:
    """np.argsort(values, kind="stable"), 16 bits at a time: NumPy has a radix sort for these."""
    order = np.argsort(values.astype(np.uint16), kind="stable")
    rest = values >> 16
    while rest.max(initial=0):
        order = order[np.argsort(rest.astype(np.uint16)[order], kind="stable")]
        rest = rest >> 16
    return order
