"""A figure's data as tables that people read, with intervals, and bounded."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from annotation.report.wording import Plain, token

ROWS = 20
LISTED = 12  # of a list in a cell


@dataclass
class Table:
    """Texts in rows; `left_out`: how many rows are not among them."""

    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    left_out: int = 0


def tables_of(figure: Plain, names: Collection[str] = ()) -> list[Table]:
    """The tables of a figure's data: what stands side by side in it becomes one table.

    names: of the classifiers, which are keys of the data too but no words of the report.
    """
    if figure["data"] is None:
        return []
    return list(_Reading(figure, names).tables(figure["data"], "", ""))


class _Reading:
    def __init__(self, figure: Plain, names: Collection[str]) -> None:
        self.intervals: dict[str, list[float]] = figure["intervals"]
        self.names = names
        self.superclasses: list[str] | None = figure["data"].get("superclasses")

    def words(self, key: str) -> str:
        """A key of the JSON as words."""
        return key if any(name in key for name in self.names) else key.replace("_", " ")

    def tables(self, data: dict[str, Any], title: str, pointer: str) -> Iterator[Table]:
        """A dict's own values first, then what it holds, each with a title of its place."""
        own = [key for key, value in data.items() if _is_value(value) and key != "superclasses"]
        if own:
            cells = [[self.words(key), self.cell(data[key], pointer, key)] for key in own]
            yield _bounded(title, ["", "images" if _is_histogram(data) else "value"], cells)
        for key, value in data.items():
            place = f"{pointer}/{token(key)}"
            under = f"{title}: {self.words(key)}" if title else self.words(key)
            if isinstance(value, dict) and value:
                yield from self.of_dict(value, under, place)
            elif isinstance(value, list) and value and not _is_value(value):
                yield self.of_list(value, under, place)

    def of_dict(self, rows: dict[str, Any], title: str, pointer: str) -> Iterator[Table]:
        if not all(isinstance(row, dict) and row for row in rows.values()):
            yield from self.tables(rows, title, pointer)
            return
        flat = {key: dict(self.flat(row, f"{pointer}/{token(key)}")) for key, row in rows.items()}
        columns = list(dict.fromkeys(column for row in flat.values() for column in row))
        if not columns:
            for key, row in rows.items():
                yield from self.of_dict(row, f"{title}: {key}", f"{pointer}/{token(key)}")
            return
        cells = [[key, *(row.get(column, "") for column in columns)] for key, row in flat.items()]
        yield _bounded(title, ["", *map(self.words, columns)], cells)

    def of_list(self, rows: list[Any], title: str, pointer: str) -> Table:
        if all(isinstance(row, list) for row in rows):
            heads = self.superclasses or [str(place) for place in range(1, len(rows) + 1)]
            cells = [[head, *map(said, row)] for head, row in zip(heads, rows, strict=False)]
            return _bounded(title, ["", *heads], cells)
        flat = [
            dict(self.flat(row, f"{pointer}/{place}"))
            for place, row in enumerate(rows[:ROWS])
            if isinstance(row, dict)
        ]
        columns = list(dict.fromkeys(column for row in flat for column in row))
        table = _bounded(
            title,
            [self.words(column).removeprefix("models ") for column in columns],
            [[row.get(column, "") for column in columns] for row in flat],
        )
        table.left_out = len(rows) - len(flat)
        return table

    def flat(self, row: dict[str, Any], pointer: str, before: str = "") -> Iterator[tuple]:
        """(column, text) of a row's values, also those of dicts within it."""
        for key, value in row.items():
            name = f"{before} {key}".strip()
            if _is_value(value):
                yield name, self.cell(value, pointer, key)
            elif isinstance(value, dict) and not _is_histogram(value):
                yield from self.flat(value, f"{pointer}/{token(key)}", name)

    def cell(self, value: Any, pointer: str, key: str) -> str:
        low_high = self.intervals.get(f"{pointer}/{token(key)}")
        return said(value) + (f" ({said(low_high[0])} to {said(low_high[1])})" if low_high else "")


def said(value: Any) -> str:
    """A value as text: fractions with three digits, counts with commas."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:,.3f}" if abs(value) >= 0.0005 or not value else f"{value:.1e}"
        return "0.000" if text == "-0.000" else text
    if isinstance(value, list):
        return ", ".join(map(said, value[:LISTED])) + (" ..." if len(value) > LISTED else "")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_value(value: Any) -> bool:
    """Whether it fits a cell: no dict, and no list of dicts or lists."""
    if isinstance(value, list):
        return not any(isinstance(each, dict | list) for each in value)
    return not isinstance(value, dict)


def _is_histogram(value: dict[str, Any]) -> bool:
    return bool(value) and all(key.replace(",", "").isdecimal() for key in value)


def _bounded(title: str, head: list[str], rows: list[list[str]]) -> Table:
    return Table(title, head, rows[:ROWS], max(0, len(rows) - ROWS))
