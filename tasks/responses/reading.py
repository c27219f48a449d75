"""Reads a file of judgments, whichever its form: CSV, JSON lines, a JSON list, MTurk's results."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from tasks.responses.csv_rows import csv_rows
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.json_rows import json_lines, json_list
from tasks.responses.judgments import Judgment, Judgments
from tasks.responses.mturk_batch import batch_rows, is_batch

BEGINNING = 4096  # bytes in which a file must show what it is
BOM = b"\xef\xbb\xbf"


def read_judgments(file: BinaryIO, judgments: Judgments, problems: Problems) -> Iterator[Judgment]:
    """The judgments of a file that can be read twice from its beginning (`seek`).

    Stops where `problems` has enough. Raises ResponsesRefused where the columns are wrong.
    """
    beginning = file.read(BEGINNING).removeprefix(BOM).lstrip()
    file.seek(0)
    found: Iterator[tuple[int, dict[str, Any], dict[str, str] | None]]
    match beginning[:1]:
        case b"[":
            found = ((row, raw, None) for row, raw in json_list(file, problems))
        case b"{":
            found = ((row, raw, None) for row, raw in json_lines(file, problems))
        case _:
            rows = csv_rows(file, problems)
            _, header = next(rows)
            if is_batch(header):
                found = batch_rows(rows, header, judgments.campaign, problems)
            else:
                _check(header, judgments)
                found = ((row, dict(zip(header, cells, strict=True)), None) for row, cells in rows)
    for row, raw, columns in found:
        judgment = judgments.read(row, raw, columns)
        if judgment is not None:
            yield judgment
        elif problems.enough:
            return


def _check(header: list[str], judgments: Judgments) -> None:
    """All that is wrong with the columns of a CSV, at once."""
    kind = f"{judgments.kind.value} campaigns"
    errors = [
        RowError(1, name, f"column is missing (needed for {kind})")
        for name in judgments.required
        if name not in header
    ] + [
        RowError(
            1,
            short(name),
            f"no such column of {kind} (there are: {', '.join(sorted(judgments.known))})",
        )
        for name in header
        if name not in judgments.known
    ]
    if errors:
        raise ResponsesRefused(errors)
