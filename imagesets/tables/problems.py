"""The errors of a table: one on many rows is told once, with its first rows and a count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LISTED = 20  # kinds of errors
FIRST = 3  # rows shown of each
SHOWN = 60  # characters of a value that a message repeats

# What differs between errors of one kind: values in quotes, numbers, a remark at the end.
_VALUES = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\d+| \(.*\)$""")


class TableError(ValueError):
    """A row that cannot be read, and why; row 0: the file as a whole."""

    def __init__(self, row: int, message: str) -> None:
        self.row, self.message = row, message
        super().__init__(f"row {row}: {message}" if row else message)


@dataclass
class RowError:
    """An error, and the rows that have it.

    `row`, the first, counts as an editor does (a CSV's header is row 1); 0: the file as a whole.
    `field` is the column as the file names it; "": the row as a whole. `others`: a few rows more
    with the same message. `more`: how many rows beyond those have it.
    """

    row: int
    field: str
    message: str
    others: tuple[int, ...] = ()
    more: int = 0

    @property
    def rows(self) -> str:
        """Which rows have it: "row 3", "rows 3, 4, 7 and 5,120 more"; "" for the whole file."""
        if not self.row:
            return ""
        rows = ", ".join(map(str, (self.row, *self.others)))
        if self.more:
            return f"rows {rows} and {self.more:,} more"
        return f"row{'s' if self.others else ''} {rows}"

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.rows, self.field) if part)
        return f"{where}: {self.message}" if where else self.message


@dataclass
class _Kind:
    """The errors of one kind so far: how many there are, and the first few rows of them."""

    count: int
    first: list[tuple[int, str]]  # row, message


class Problems:
    """Collects the errors of a table by kind, in memory that does not grow with the rows."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def add(self, row: int, field: str, message: str, times: int = 1) -> None:
        """Note an error; `times`: how many rows have one of its kind, this one the first."""
        kind = self._kinds.setdefault((field, _VALUES.sub("", message)), _Kind(0, []))
        kind.count += times
        if len(kind.first) < FIRST:
            kind.first.append((row, message))

    @property
    def enough(self) -> bool:
        """Whether a full list has been collected, so that reading can stop."""
        return len(self._kinds) >= LISTED

    def errors(self) -> list[RowError]:
        """The errors by row: rows with the same message in one, at most twenty kinds."""
        listed: list[RowError] = []
        kinds = sorted(self._kinds.items(), key=lambda item: min(item[1].first))
        for (field, _), kind in kinds[:LISTED]:
            by_message: dict[str, list[int]] = {}
            for row, message in sorted(kind.first):
                by_message.setdefault(message, []).append(row)
            errors = [
                RowError(rows[0], field, message, tuple(rows[1:]))
                for message, rows in by_message.items()
            ]
            more, last = kind.count - len(kind.first), errors[-1]
            if len(errors) == 1:
                last.more = more
            elif more:
                rows = "row has" if more == 1 else "rows have"
                last.message += f" ({more:,} more {rows} such an error)"
            listed += errors
        return sorted(listed, key=lambda error: error.row)


def listed(errors: Iterable[RowError]) -> str:
    """Errors in one line; the first place follows directly on what stands before."""
    return "; ".join(map(str, errors))


def short(value: object) -> str:
    """A value as a message repeats it: text in quotes, the end cut off."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else value[: SHOWN - 3] + "...")
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
