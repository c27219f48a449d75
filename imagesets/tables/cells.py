"""Cuts the text of a table into rows of cells: encoding, line ends, separator, empty columns."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from typing import BinaryIO

from imagesets.tables.kinds import BEGINNING, encoding_of, undecodable
from imagesets.tables.problems import Problems, TableError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
INDEX = "if it is an index, save the table without it (pandas: index=False; R: row.names=FALSE)"

_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # a first line of Excel's own
_UNNAMED = re.compile(r"(unnamed: \d+(\.\d+)*)?", re.IGNORECASE)  # as pandas names it when it reads

Row = tuple[int, list[str]]


def cell_rows(
    file: BinaryIO, wanted: Collection[str], problems: Problems, notes: list[str]
) -> Iterator[Row]:
    """(row, cells) of each row of a seekable file, the header first; rows as text editors count.

    The separator is the one that gives the most of the columns `wanted` (in lower case). Cells lose
    the spaces around them; rows of empty cells, and columns without a name, are passed over. A
    first column without a name may count the rows, as pandas and R write it. Rows that have too
    many or too few cells, or a cell in a column without a name, go to `problems`. What was taken
    for granted is added to `notes`. Streams: one row is in memory.

    Raises TableError where reading must end: no text, no CSV, no header, a name that comes twice.
    """
    encoding = encoding_of(file)
    if encoding == "utf-16":
        notes.append("the text is in UTF-16")
    text = io.TextIOWrapper(file, encoding, newline="")  # "": lines end at lone CRs too
    reader, skipped = None, 0
    try:
        separator, skipped, spaced = _form(text.read(BEGINNING), wanted)
        if separator != ",":
            notes.append(f"columns are separated by {SEPARATORS.get(separator, separator)}s")
        text.seek(0)
        for _ in range(skipped):
            text.readline()
        reader = csv.reader(text, delimiter=separator, strict=True, skipinitialspace=spaced)
        rows = (
            (reader.line_num + skipped, cells)
            for raw in reader
            if any(cells := list(map(str.strip, raw)))
        )
        yield from _named(rows, separator, problems, notes)
    except csv.Error as error:
        row = reader.line_num + skipped if reader else 1
        raise TableError(row, f"is not valid CSV ({error})") from None
    except UnicodeError:
        raise undecodable(file, encoding) from None
    finally:
        if not file.closed:
            text.detach()  # else it would close the caller's file


def _form(beginning: str, wanted: Collection[str]) -> tuple[str, int, bool]:
    """The separator, how many lines stand before the header, whether spaces follow separators."""
    first, _, rest = beginning.partition("\n")
    if match := _SEP.fullmatch(first):
        return match[1], 1, _spaced(rest, match[1])
    headers = {separator: _header(beginning, separator, spaced=True) for separator in SEPARATORS}
    scores = {
        separator: len({name.strip().lower() for name in header} & set(wanted))
        for separator, header in headers.items()
    }
    best = [separator for separator, score in scores.items() if score == max(scores.values())]
    if max(scores.values()) == 0:
        best = [max(SEPARATORS, key=lambda separator: len(headers[separator]))]
    if len(best) > 1:
        names = " or ".join(f"{SEPARATORS[separator]}s" for separator in best)
        raise TableError(1, f"its columns may be separated by {names}: save it as CSV with commas")
    return best[0], 0, _spaced(beginning, best[0])


def _header(text: str, separator: str, spaced: bool) -> list[str]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=spaced
    )
    try:
        return next(filter(None, reader), [])
    except csv.Error:
        return []


def _spaced(text: str, separator: str) -> bool:
    """Whether the header has spaces after separators; a quote after one then begins a cell."""
    return any(cell.startswith(" ") for cell in _header(text, separator, spaced=False)[1:])


def _named(
    rows: Iterator[Row], separator: str, problems: Problems, notes: list[str]
) -> Iterator[Row]:
    """The header and the rows, without the columns that have no name."""
    if (first := next(rows, None)) is None:
        raise TableError(0, "the file is empty")
    row, header = first
    named = [at for at, name in enumerate(header) if not _UNNAMED.fullmatch(name)]
    if not named:
        raise TableError(row, "no column has a name")
    lower = [header[at].lower() for at in named]
    for at, name in zip(named, lower, strict=True):
        if lower.count(name) > 1:
            raise TableError(row, f"column {header[at]!r} comes twice")
    yield row, [header[at] for at in named]

    width = named[-1] + 1  # cells under columns without a name may be missing
    unnamed = [at for at in range(len(header)) if at not in named]
    counts = {at: 0 for at in unnamed if at < named[0]}  # how far each index has counted
    starts: dict[int, int] = {}
    for row, cells in rows:
        if len(cells) != len(header):
            if len(cells) < width or any(cells[len(header) :]):
                problems.add(row, "", _uneven(len(cells), width, separator))
                continue
            cells = (cells + [""] * len(header))[: len(header)]
        for at in unnamed:
            cell = cells[at]
            if not cell:
                continue
            if at in counts and at not in starts and cell in ("0", "1"):
                starts[at] = int(cell)
            if at in starts and cell == str(starts[at] + counts[at]):
                counts[at] += 1
                continue
            hint = f" ({INDEX})" if at in counts else ""
            problems.add(row, "", f"{cell!r} in a column without a name{hint}")
            break
        if not unnamed:
            yield row, cells
        elif any(kept := [cells[at] for at in named]):
            yield row, kept
    for count in filter(None, counts.values()):
        notes.append(
            f"the first column, which has no name and counts {count:,} rows, was passed over"
        )


def _uneven(cells: int, columns: int, separator: str) -> str:
    what = SEPARATORS.get(separator, repr(separator))
    return f"{cells} cells under {columns} columns (a {what} inside a cell needs quotes around it)"
