"""Rows out of and into Postgres by COPY, as Arrow where they are many."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

BLOCK = 8 << 20  # bytes that are parsed together
BUFFER = 1 << 20  # bytes that are put on disk together
ROWS_AT_ONCE = 200_000


# What a planner that takes a table for small (it was filled a moment ago, and nothing has analysed
# it yet) chooses at the cost of the square of its rows.
Plan = Literal["nestloop", "seqscan"]


@contextmanager
def avoiding(cursor, plan: Plan) -> Iterator[None]:
    """Have the planner avoid a kind of plan for some statements of the transaction."""
    cursor.execute(f"SET LOCAL enable_{plan} = off")
    yield
    cursor.execute(f"SET LOCAL enable_{plan} TO DEFAULT")


def rows(
    cursor, query: str, schema: pa.Schema, params: dict[str, Any], avoided: Plan = "nestloop"
) -> Iterator[pa.RecordBatch]:
    """The rows of a query in batches; an empty field is null, or "" in a column of text."""
    statement = cursor.mogrify(f"COPY ({query}) TO STDOUT (FORMAT csv)", params)
    with tempfile.TemporaryFile(buffering=BUFFER) as file:
        with avoiding(cursor, avoided):
            cursor.copy_expert(statement.decode(), file)
        if not file.tell():
            return
        file.seek(0)
        yield from pyarrow.csv.open_csv(
            file,
            read_options=pa.csv.ReadOptions(column_names=schema.names, block_size=BLOCK),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),  # keys of images
            convert_options=pa.csv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=False
            ),
        )


def table(cursor, query: str, schema: pa.Schema, params: dict[str, Any]) -> pa.Table:
    """All rows of a query."""
    return pa.Table.from_batches(rows(cursor, query, schema, params), schema)


def write(cursor, name: str, data: pa.Table) -> None:
    """Append rows to a table of the database; the columns' names are the same there."""
    options = pa.csv.WriteOptions(include_header=False)
    columns = ", ".join(data.column_names)
    for start in range(0, len(data), ROWS_AT_ONCE):
        buffer = io.BytesIO()
        pa.csv.write_csv(data.slice(start, ROWS_AT_ONCE), buffer, options)
        buffer.seek(0)
        cursor.copy_expert(f"COPY {name} ({columns}) FROM STDIN (FORMAT csv)", buffer)


def write_rows(cursor, name: str, columns: Iterable[str], data: Iterable[tuple]) -> None:
    """Append rows of Python's own values; None is null. No text may be empty."""
    with tempfile.TemporaryFile("w+", newline="", buffering=BUFFER, encoding="utf-8") as file:
        csv.writer(file).writerows(data)
        file.seek(0)
        cursor.copy_expert(f"COPY {name} ({', '.join(columns)}) FROM STDIN (FORMAT csv)", file)
