"""Rows of a CSV table; `row` is the line of the file where a row ends, as an editor counts."""

import csv
from collections.abc import Iterable, Iterator

from tasks.responses.errors import Problems, ResponsesRefused, RowError, short


class NotText(Exception):
    """A line that is no UTF-8 text."""

    def __init__(self, line: int) -> None:
        self.line = line


def text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Lines as text, without a byte order mark. Raises NotText, naming the line."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise NotText(number) from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def csv_rows(lines: Iterable[bytes], problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """(row, cells) of each row, the header first; a row of another length is noted as an error.

    Empty lines are passed over. What makes the rest unreadable is noted and ends the rows; without
    a header it is raised as ResponsesRefused.
    """
    reader = csv.reader(text_lines(lines), strict=True)
    header: list[str] = []
    while not problems.enough:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except (csv.Error, NotText) as error:
            if isinstance(error, NotText):
                row, what = error.line, "is not UTF-8 text"
            else:
                row, what = reader.line_num, f"is no CSV: {error}"
            if not header:
                raise ResponsesRefused([RowError(row, "", what)]) from None
            problems.add(row, "", what)
            return
        if not cells:
            continue
        if not header:
            header = [cell.strip() for cell in cells]
            _check(header, reader.line_num)
            yield reader.line_num, header
        elif len(cells) != len(header):
            problems.add(
                reader.line_num,
                "",
                f"{len(cells)} cells under {len(header)} columns"
                " (a comma inside a cell needs quotes around it)",
            )
        else:
            yield reader.line_num, cells
    if not header:
        raise ResponsesRefused([RowError(0, "", "the file is empty")])


def _check(header: list[str], row: int) -> None:
    for name in header:
        if header.count(name) > 1:
            raise ResponsesRefused([RowError(row, "", f"column {short(name)} stands there twice")])
