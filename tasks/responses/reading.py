"""Reads a file of judgments, whichever its form: CSV, JSON lines, a JSON list, MTurk's results."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from imagesets import tables
from imagesets.tables import TableError, uneven
from tasks.responses.described import judgments, picked, renamed
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.json_rows import json_lines, json_list
from tasks.responses.judgment_reader import Judgment, JudgmentReader
from tasks.responses.mturk_batch import batch_rows, is_batch

BEGINNING = 4096  # bytes by which the form of a file must be known
BOM = b"\xef\xbb\xbf"


def read_judgments(
    file: BinaryIO, reader: JudgmentReader, problems: Problems
) -> Iterator[Judgment]:
    """The judgments of a file, which must be seekable.

    Stops once `problems` has enough. Raises ResponsesRefused where the columns are wrong.
    """
    beginning = file.read(BEGINNING).removeprefix(BOM).lstrip()
    file.seek(0)
    raw_rows: Iterator[tuple[int, dict[str, Any], dict[str, str] | None]]
    match beginning[:1]:
        case b"[":
            raw_rows = picked(json_list(file, problems), reader)
        case b"{":
            raw_rows = picked(json_lines(file, problems), reader)
        case _:
            rows = renamed(csv_rows(file, problems), reader)
            _, header = next(rows)
            if is_batch(header):
                raw_rows = batch_rows(rows, header, reader, problems)
            else:
                _check_columns(header, reader)
                raw_rows = (
                    (row, dict(zip(header, cells, strict=True)), None) for row, cells in rows
                )
    for row, raw, columns in judgments(raw_rows, reader, problems):
        judgment = reader.read(row, raw, columns)
        if judgment is not None:
            yield judgment
        elif problems.enough:
            return


def csv_rows(lines: Iterable[bytes], problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """(row, cells) of each row, the header first; rows of another length go to `problems`.

    What makes the rest unreadable goes there too and ends the rows. Raises ResponsesRefused
    where there is no header that can be read.
    """
    width = 0
    try:
        for row, cells in tables.csv_rows(lines):
            width = width or len(cells)
            if len(cells) == width:
                yield row, cells
            else:
                problems.add(row, "", uneven(len(cells), width))
            if problems.enough:
                return
    except TableError as error:
        if not width:
            raise ResponsesRefused([RowError(error.row, "", error.message)]) from None
        problems.add(error.row, "", error.message)


def _check_columns(header: list[str], reader: JudgmentReader) -> None:
    """Raise ResponsesRefused with everything that is wrong with the columns of a CSV."""
    kind = f"{reader.kind.value} campaigns"
    errors = [
        RowError(1, name, f"column is missing (needed for {kind})")
        for name in reader.required
        if name not in header
    ] + [
        RowError(
            1,
            short(name),
            f"no such column of {kind} (there are: {', '.join(sorted(reader.known))})",
        )
        for name in header
        if name not in reader.known
    ]
    if errors:
        raise ResponsesRefused(errors)
