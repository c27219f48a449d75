"""Streams a table as CSV or JSON lines: Postgres writes the bytes by COPY, chunk by chunk."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import connection

from annotation.exports.cell_formats import Column
from annotation.exports.table import Table
from annotation.exports.tables import NotYet, table_of
from tasks.models import Campaign
from tasks.responses.spreadsheets import SPREADSHEET

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
ROWS_AT_ONCE = 50_000
# The columns that show a crowd's own ids to whoever may read them, and what they are then.
RAW = {"worker": "a.raw_worker", "session": "a.raw_session"}

# JSON text never holds these two characters unescaped, so CSV's quoting leaves it alone.
_AS_IT_IS = r"QUOTE E'\x01', DELIMITER E'\x02'"


@dataclass
class Export:
    """A table of a campaign, to be streamed once.

    The constructor raises NoSuchTable or NotYet, before anything is written. `done` counts the
    rows written so far, `total()` all of them, at most. `for_spreadsheets` (CSV alone): text that
    they would take for a formula gets an apostrophe before it. `reader`: an expert who is not to
    see others' verdicts yet (annotation/explorer/experts.py).
    """

    campaign: Campaign
    name: str
    format: str
    raw_workers: bool = False
    for_spreadsheets: bool = False
    reader: str | None = None
    done: int = 0

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"unknown format {self.format}; known: {', '.join(FORMATS)}")
        if self.for_spreadsheets and self.format != "csv":
            raise ValueError(f"spreadsheets are served by csv, not by {self.format}")
        self.table = table_of(self.campaign, self.name)
        if self.table.of_results and not self.campaign.runs.exists():
            raise NotYet(
                f"Campaign {self.campaign.slug} was never aggregated: run"
                f" `manage.py aggregate {self.campaign.slug}`"
                f" or POST /api/campaigns/{self.campaign.slug}/aggregate/ first."
            )

    @property
    def file_name(self) -> str:
        """The name to save it under."""
        if self.for_spreadsheets:
            return f"{self.campaign.slug}-{self.name}{SPREADSHEET}"
        return f"{self.campaign.slug}-{self.name}.{self.format}"

    def total(self) -> int:
        """The maximum number of rows, as of now."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT sum(n) FROM ({self.table.keys}) AS k (id, n)", self._of())
            return int(cursor.fetchone()[0] or 0)

    def __iter__(self) -> Iterator[bytes]:
        """The bytes of one snapshot, in chunks of about ROWS_AT_ONCE rows, in constant memory.

        Uses its own connection: a stream outlives the view, and its transaction is repeatable
        read whatever the request's is.
        """
        own = connection.get_new_connection(connection.get_connection_params())
        try:
            own.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
            with own.cursor() as cursor:
                cursor.execute("SET LOCAL work_mem = '64MB'")
            if self.format == "csv":
                yield (",".join(column.name for column in self._columns()) + "\n").encode()
            with own.cursor(name="keys") as keys:
                keys.itersize = 5_000
                keys.execute(self.table.keys, self._of())
                for ids, rows in _chunks(keys):
                    with own.cursor() as cursor:
                        buffer = io.BytesIO()
                        cursor.copy_expert(
                            cursor.mogrify(self._copy(), self._of() | {"ids": ids}), buffer
                        )
                    yield buffer.getvalue()
                    self.done += rows
        finally:
            own.close()

    def _of(self) -> dict[str, int | str | None]:
        campaign = self.campaign
        return {"campaign": campaign.pk, "source": campaign.source_id, "reader": self.reader}

    def _columns(self) -> tuple[Column, ...]:
        if not self.raw_workers:
            return self.table.columns
        return tuple(
            replace(column, sql=RAW[column.name]) if column.name in RAW else column
            for column in self.table.columns
        )

    def _copy(self) -> str:
        return copy_statement(self.table, self._columns(), self.format, self.for_spreadsheets)


def copy_statement(
    table: Table, columns: tuple[Column, ...], format: str, for_spreadsheets: bool = False
) -> str:
    """The COPY statement for a chunk of the table, %(ids)s."""
    as_json = format == "jsonl"
    write = Column.as_cell if for_spreadsheets else Column.as_json if as_json else Column.as_text
    selected = ", ".join(f'{write(column)} AS "{column.name}"' for column in columns)
    query = f"SELECT {selected} {table.rows}"
    if as_json:
        query = f"SELECT row_to_json(row) FROM ({query}) AS row"
    options = f", {_AS_IT_IS}" if as_json else ""
    return f"COPY ({query}) TO STDOUT WITH (FORMAT csv, ENCODING 'UTF8'{options})"


def _chunks(keys: Iterator[tuple[int, int]]) -> Iterator[tuple[list[int], int]]:
    """Lists of ids of about ROWS_AT_ONCE rows, each with its number of rows."""
    ids: list[int] = []
    rows = 0
    for key, number in keys:
        ids.append(key)
        rows += number
        if rows >= ROWS_AT_ONCE:
            yield ids, rows
            ids, rows = [], 0
    if ids:
        yield ids, rows
