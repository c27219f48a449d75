"""Reads CSV tables row by row; an error names the row, counted as text editors count lines."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from imagesets.errors import ImportRefused

Column = str | tuple[str, ...]  # its name, or several of which the table must have one


class TableError(ValueError):
    """A row that cannot be read, and why; row 0: the file as a whole."""

    def __init__(self, row: int, message: str) -> None:
        self.row, self.message = row, message
        super().__init__(f"row {row}: {message}" if row else message)


def text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Lines as text, without a byte order mark. Raises TableError naming the line."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise TableError(number, "is not UTF-8 text") from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def csv_rows(
    lines: Iterable[bytes], column_name: Callable[[str], str] = str.strip
) -> Iterator[tuple[int, list[str]]]:
    """(row, cells) of each row, the header first, as `column_name` makes of each of its cells.

    Streams: one row is in memory. Skips empty lines; rows may differ in length (`uneven`).
    Raises TableError: no header, a column name that comes twice, no CSV, no UTF-8.
    """
    reader = csv.reader(_split_at_returns(text_lines(lines)), strict=True)
    rows = filter(None, reader)
    try:
        if (first := next(rows, None)) is None:
            raise TableError(0, "the file is empty")
        header = [column_name(cell) for cell in first]
        for name in header:
            if name and header.count(name) > 1:
                raise TableError(reader.line_num, f"column {name!r} comes twice")
        yield reader.line_num, header
        for cells in rows:
            yield reader.line_num, cells
    except csv.Error as error:
        raise TableError(reader.line_num, f"is not valid CSV ({error})") from None


def uneven(cells: int, columns: int) -> str:
    """What is wrong with a row that has more or fewer cells than the header has columns."""
    return f"{cells} cells under {columns} columns (a comma inside a cell needs quotes around it)"


def rows_of(
    path: Path, required: tuple[Column, ...], strip: bool = True
) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, cells by column) of each row of a CSV file that is not empty.

    Column names count in lower case, without spaces around them; `strip`: cells too lose these.
    Columns without a name, as spreadsheet programs leave them, must be empty. Raises ImportRefused
    naming the file and the row.
    """
    try:
        with path.open("rb") as file:
            yield from _named_rows(file, required, strip)
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror or error}") from error
    except TableError as error:
        where = f"{path}, row {error.row}" if error.row else path
        raise ImportRefused(f"{where}: {error.message}") from None


def _named_rows(
    lines: Iterable[bytes], required: tuple[Column, ...], strip: bool
) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv_rows(lines, lambda name: name.strip().lower())
    first, header = next(rows)
    _check_columns(first, header, required)
    named = [at for at, name in enumerate(header) if name]
    unnamed = [at for at, name in enumerate(header) if not name]
    width = named[-1] + 1
    for row, raw in rows:
        cells = [cell.strip() for cell in raw]
        if not any(cells):
            continue
        for at in unnamed:
            if any(cells[at : at + 1]):
                raise TableError(row, f"{cells[at]!r} in a column without a name")
        if len(cells) < width or any(cells[len(header) :]):
            raise TableError(row, uneven(len(cells), width))
        if any("\0" in cell for cell in cells):
            raise TableError(row, "holds a NUL character")
        kept = cells if strip else raw
        yield row, {header[at]: kept[at] for at in named}


def _check_columns(row: int, header: list[str], required: tuple[Column, ...]) -> None:
    columns = ", ".join(name for name in header if name) or "none"
    for names in required:
        names = (names,) if isinstance(names, str) else names
        present = [name for name in names if name in header]
        if not present:
            wanted = " or ".join(map(repr, names))
            raise TableError(row, f"no column {wanted} (columns: {columns})")
        if len(present) > 1:
            raise TableError(row, f"both columns {' and '.join(present)}")


def _split_at_returns(lines: Iterable[str]) -> Iterator[str]:
    """Lines cut at lone carriage returns too, which old Macs and Excel end lines with."""
    for line in lines:
        if "\r" in line and "\r" in line[:-2]:
            yield from io.StringIO(line, newline="")
        else:
            yield line
