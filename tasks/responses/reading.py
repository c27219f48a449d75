"""Reads a file of judgments, whichever its form: CSV, JSON lines, a JSON list, MTurk's results."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from imagesets.tables.cells import Row, cell_rows
from imagesets.tables.kinds import encoding_of
from imagesets.tables.problems import TableError
from tasks.responses.described import judgments, picked, renamed
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.json_rows import json_lines, json_list
from tasks.responses.judgment_reader import Judgment, JudgmentReader
from tasks.responses.mturk_batch import ASSIGNMENT, batch_rows, is_batch
from tasks.responses.tool_answers import TASK_ANSWERS

BEGINNING = 4096  # bytes by which the form of a file must be known
NAN = ("NaN", "nan")
BATCH_COLUMNS = {name.lower(): name for name in (*ASSIGNMENT, TASK_ANSWERS)}


def read_judgments(
    file: BinaryIO, reader: JudgmentReader, problems: Problems
) -> Iterator[Judgment]:
    """The judgments of a file, which must be seekable.

    Stops once `problems` has enough. Raises ResponsesRefused where the columns are wrong, or the
    file is of another kind.
    """
    try:
        encoding = encoding_of(file, json_too=True)
    except TableError as error:
        raise ResponsesRefused([RowError(error.row, "", error.message)]) from None
    beginning = file.read(BEGINNING).decode(encoding, "replace").lstrip()
    file.seek(0)
    raw_rows: Iterator[tuple[int, dict[str, Any], dict[str, str] | None]]
    match beginning[:1]:
        case "[":
            raw_rows = picked(json_list(file, problems), reader)
        case "{":
            raw_rows = picked(json_lines(file, problems), reader)
        case _:
            rows = renamed(csv_rows(file, reader, problems), reader)
            at, header = next(rows)
            if is_batch(header):
                raw_rows = batch_rows(rows, header, reader, problems)
            else:
                _check_columns(at, header, reader)
                raw_rows = (
                    (row, dict(zip(header, cells, strict=True)), None) for row, cells in rows
                )
    for row, raw, columns in judgments(raw_rows, reader, problems):
        judgment = reader.read(row, raw, columns)
        if judgment is not None:
            yield judgment
        elif problems.enough:
            return


def csv_rows(file: BinaryIO, reader: JudgmentReader, problems: Problems) -> Iterator[Row]:
    """(row, cells) of each row, the header first, with the columns that are read in their own case.

    What makes the rest unreadable goes to `problems` and ends the rows. Raises ResponsesRefused
    where there is no header that can be read.
    """
    named = {column.lower() for column in reader.described.columns.values()}
    wanted = reader.known | BATCH_COLUMNS.keys() | named
    rows = cell_rows(file, wanted, problems, reader.table_notes)
    try:
        row, header = next(rows)
    except TableError as error:
        raise ResponsesRefused([RowError(error.row, "", error.message)]) from None
    header = [_in_its_own_case(column, reader.known) for column in header]
    yield row, header
    try:
        if is_batch(header):
            # A program that read and wrote them again has NaN for MTurk's empty cells.
            rows = ((row, ["" if cell in NAN else cell for cell in cells]) for row, cells in rows)
        yield from rows
    except TableError as error:
        problems.add(error.row, "", error.message)


def _in_its_own_case(column: str, known: set[str]) -> str:
    """A known column as it is known, one of MTurk's batch results as MTurk writes it."""
    lower = column.lower()
    if lower in known:
        return lower
    if lower in BATCH_COLUMNS:
        return BATCH_COLUMNS[lower]
    kind, dot, field = column.partition(".")
    return f"{kind.capitalize()}.{field}" if dot and kind.lower() in ("input", "answer") else column


def _check_columns(at: int, header: list[str], reader: JudgmentReader) -> None:
    """Raise ResponsesRefused with everything that is wrong with the columns of a CSV."""
    kind = f"{reader.kind.value} campaigns"
    errors = [
        RowError(at, name, f"column is missing (needed for {kind})")
        for name in reader.required
        if name not in header
    ] + [
        RowError(
            at,
            short(name),
            f"no such column of {kind} (there are: {', '.join(sorted(reader.known))})",
        )
        for name in header
        if name not in reader.known
    ]
    if errors:
        raise ResponsesRefused(errors)
