"""Reads a file of judgments, whichever its form: CSV, JSON lines, a JSON list, MTurk's results."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from imagesets.tables.cells import cell_rows
from imagesets.tables.kinds import encoding_of
from imagesets.tables.problems import TableError
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.json_rows import json_lines, json_list
from tasks.responses.judgment_reader import Judgment, JudgmentReader
from tasks.responses.mturk_batch import ASSIGNMENT, batch_rows, is_batch

BEGINNING = 4096  # bytes by which the form of a file must be known
NAN = ("NaN", "nan")
BATCH_COLUMNS = {name.lower(): name for name in ASSIGNMENT}


def read_judgments(
    file: BinaryIO, reader: JudgmentReader, problems: Problems
) -> Iterator[Judgment]:
    """The judgments of a file, which must be seekable.

    Stops once `problems` has enough. Raises ResponsesRefused where the columns are wrong, or the
    file is of another kind.
    """
    try:
        encoding = encoding_of(file, json_too=True)
        beginning = file.read(BEGINNING).decode(encoding, "replace").lstrip()
        file.seek(0)
        raw_rows: Iterator[tuple[int, dict[str, Any], dict[str, str] | None]]
        match beginning[:1]:
            case "[":
                raw_rows = ((row, raw, None) for row, raw in json_list(file, problems))
            case "{":
                raw_rows = ((row, raw, None) for row, raw in json_lines(file, problems))
            case _:
                raw_rows = _table_rows(file, reader, problems)
        for row, raw, columns in raw_rows:
            judgment = reader.read(row, raw, columns)
            if judgment is not None:
                yield judgment
            elif problems.enough:
                return
    except TableError as error:
        problems.add(error.row, "", error.message)


def _table_rows(
    file: BinaryIO, reader: JudgmentReader, problems: Problems
) -> Iterator[tuple[int, dict[str, Any], dict[str, str] | None]]:
    """(row, fields, their columns where these have other names) of each row of a CSV."""
    rows = cell_rows(file, reader.known | BATCH_COLUMNS.keys(), problems, reader.table_notes)
    at, header = next(rows)
    if is_batch(names := [_as_mturk_writes(name) for name in header]):
        filled = ((row, ["" if cell in NAN else cell for cell in cells]) for row, cells in rows)
        yield from batch_rows(filled, names, reader.campaign, problems, reader.assumed)
        return
    names = [name.lower() for name in header]
    _check_columns(at, header, reader)
    for row, cells in rows:
        yield row, dict(zip(names, cells, strict=True)), None


def _as_mturk_writes(column: str) -> str:
    """A column of MTurk's batch results in MTurk's own case."""
    kind, dot, field = column.partition(".")
    if dot and kind.lower() in ("input", "answer"):
        return f"{kind.capitalize()}.{field}"
    return BATCH_COLUMNS.get(column.lower(), column)


def _check_columns(at: int, header: list[str], reader: JudgmentReader) -> None:
    """Raise ResponsesRefused with everything that is wrong with the columns of a CSV."""
    kind = f"{reader.kind.value} campaigns"
    names = {name.lower() for name in header}
    errors = [
        RowError(at, name, f"column is missing (needed for {kind})")
        for name in reader.required
        if name not in names
    ] + [
        RowError(
            at,
            short(name),
            f"no such column of {kind} (there are: {', '.join(sorted(reader.known))})",
        )
        for name in header
        if name.lower() not in reader.known
    ]
    if errors:
        raise ResponsesRefused(errors)
