"""A study's images in columns, in one order, the worst disagreement first: how they are kept.

Place n of a column belongs to image n of that order. A page reads the columns that its filters and
facets need; what it then shows of its few images comes from the tables of results.

Why not a table with an index for each filter: any of the filters may be combined, and no set of
indexes answers all combinations, or counts what each further filter would leave, without walking
the rows. A column of 100,000 images has 100 to 800 KB, and numpy compares it in well under a
millisecond. It also costs aggregation nothing.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from tasks.models import KeptColumn, KeptStudy

Bools = NDArray[np.bool_]
GROUPS = ("", "fu", "mis", "easy", "amb")
NOBODY = 255  # in `objects`: nobody answered
NOT_SETTLED = 254  # in `objects`: answered, but too many labels to tell
END = b"\xff"  # behind each key: in no text in UTF-8

TYPES: dict[str, Any] = {
    "image": np.int64,  # ids
    "disagreement": np.float64,  # 1 - share of main votes or SF of the dataset label; NaN: unknown
    "group": np.uint8,  # place in GROUPS
    "objects": np.uint8,
    "elsewhere": np.uint8,  # 1: another object than the dataset label's is the main one
    "label": np.int32,  # id of the dataset label; 0: none
    "main": np.int32,  # id of the main label; 0: none
    "selected": np.uint32,  # of the dataset label's pair in CONTAINS
    "shown": np.uint32,
    "posterior": np.float64,  # NaN: not judged
    "keys": np.uint8,  # all keys, case folded, each followed by END
    "predicted": np.uint8,  # (classifiers, images) packed: it has a prediction
    "right": np.uint8,  # likewise: its top 1 is the dataset label
    "classifiers": np.int64,  # their ids, by name
    "pair_labels": np.int32,  # labels asked about in CONTAINS, ascending
    "pair_starts": np.int64,  # (labels + 1,): where the pairs of each begin in `pairs`
}
PAIR = np.dtype(
    [("place", "<i4"), ("selected", "<u4"), ("shown", "<u4"), ("posterior", "<f8")]
)  # by label, then place: the column `pairs`
MOST_REMEMBERED = 64 << 20  # bytes of columns that a process keeps at hand


class Replaced(Exception):
    """The kept study has just been replaced by a newer one: begin again."""


class Columns:
    """The columns of a kept study, each read when it is first asked for."""

    def __init__(self, study: KeptStudy) -> None:
        self.study = study
        self.n = study.images
        self._columns: dict[str, NDArray[Any]] = {}
        self._counted: dict[str, NDArray[np.int16]] = {}

    def of(self, name: str) -> NDArray[Any]:
        """One column. Raises Replaced."""
        return self.read([name])[0]

    def read(self, names: Sequence[str]) -> list[NDArray[Any]]:
        """Several columns by one query at most. Raises Replaced."""
        for name in set(names) - self._columns.keys():
            if (column := _remembered.get((self.study, name))) is not None:
                self._columns[name] = column
        if missing := set(names) - self._columns.keys():
            kept = KeptColumn.objects.filter(study=self.study, name__in=missing)
            for name, content in kept.values_list("name", "content"):
                self._columns[name] = np.frombuffer(content, TYPES[name])
                _remembered.add((self.study, name), self._columns[name])
            if missing - self._columns.keys():
                raise Replaced
        return [self._columns[name] for name in names]

    def pairs_of(self, label: int) -> NDArray[Any]:
        """The pairs of a label in CONTAINS, by place: an array of PAIR."""
        labels, starts = self.read(["pair_labels", "pair_starts"])
        at = int(np.searchsorted(labels, label))
        if at == labels.size or labels[at] != label:
            return np.empty(0, PAIR)
        first, last = int(starts[at]), int(starts[at + 1])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT substring(content FROM %s FOR %s) FROM tasks_keptcolumn"
                " WHERE study_id = %s AND name = 'pairs'",
                [first * PAIR.itemsize + 1, (last - first) * PAIR.itemsize, self.study.pk],
            )
            row = cursor.fetchone()
        if row is None:
            raise Replaced
        return np.frombuffer(row[0], PAIR)

    def of_classifier(self, name: str, number: int) -> Bools:
        """Column `right` or `predicted` of one classifier, by its place in `classifiers`."""
        width = -(-self.n // 8)
        packed = self.of(name)[number * width : (number + 1) * width]
        return np.unpackbits(packed, count=self.n).astype(bool)

    def counted(self, name: str) -> NDArray[np.int16]:
        """(n,): how many classifiers have an image in column `right` or `predicted`."""
        if name not in self._counted:
            counted = np.zeros(self.n, np.int16)
            for number in range(len(self.classifiers)):
                counted += self.of_classifier(name, number)
            self._counted[name] = counted
        return self._counted[name]

    @cached_property
    def classifiers(self) -> list[int]:
        """Ids of the classifiers that `right` and `predicted` have, in order."""
        return self.of("classifiers").tolist()


class _Remembered:
    """The columns that this process read last; kept studies never change, so they stay true."""

    def __init__(self) -> None:
        self.columns: OrderedDict[tuple[int, datetime, str], NDArray[Any]] = OrderedDict()
        self.bytes = 0
        self.lock = Lock()

    def add(self, of: tuple[KeptStudy, str], column: NDArray[Any]) -> None:
        with self.lock:
            if self.columns.setdefault(_key(of), column) is not column:
                return
            self.bytes += column.nbytes
            while self.bytes > MOST_REMEMBERED:
                _, oldest = self.columns.popitem(last=False)
                self.bytes -= oldest.nbytes

    def get(self, of: tuple[KeptStudy, str]) -> NDArray[Any] | None:
        with self.lock:
            if (column := self.columns.get(_key(of))) is not None:
                self.columns.move_to_end(_key(of))
            return column


def _key(of: tuple[KeptStudy, str]) -> tuple[int, datetime, str]:
    study, name = of
    return study.pk, study.at, name


_remembered = _Remembered()
