"""Rows out of and into Postgres by COPY, as Arrow where they are many."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

BLOCK = 8 << 20  # bytes parsed together
BUFFER = 1 << 20  # bytes written to disk together
ROWS_AT_ONCE = 200_000


# Plans whose cost grows with the square of a table's rows; the planner picks them for a table that
# it takes for small, because it was filled a moment ago and not analysed yet.
Plan = Literal["nestloop", "seqscan"]


@contextmanager
def avoiding(cursor, plan: Plan) -> Iterator[None]:
    """Make the planner avoid a kind of plan within the block."""
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
    """Append rows to a table of the database, which has columns of the same names."""
    options = pa.csv.WriteOptions(include_header=False)
    columns = ", ".join(data.column_names)
    for start in range(0, len(data), ROWS_AT_ONCE):
        buffer = io.BytesIO()
        pa.csv.write_csv(data.slice(start, ROWS_AT_ONCE), buffer, options)
        buffer.seek(0)
        cursor.copy_expert(f"COPY {name} ({columns}) FROM STDIN (FORMAT csv)", buffer)


def write_rows(cursor, name: str, columns: Iterable[str], data: Iterable[tuple]) -> None:
    """Append rows of Python values; None is null. Empty texts are not allowed."""
    with tempfile.TemporaryFile("w+", newline="", buffering=BUFFER, encoding="utf-8") as file:
        csv.writer(file).writerows(data)
        file.seek(0)
        cursor.copy_expert(f"COPY {name} ({', '.join(columns)}) FROM STDIN (FORMAT csv)", file)
