"""Copies a file's judgments into a temporary table, and makes the workers it names."""

import csv
import io
from collections.abc import Callable, Iterable

from tasks.models import Campaign
from tasks.models.worker import is_pseudonym, pseudonyms
from tasks.responses.judgment_reader import Judgment

AT_ONCE = 50_000  # rows per COPY
TABLES = (
    *("staged", "worker", "named", "hit", "assignment", "judgment", "item", "section"),
    *("stored", "answer"),
)

_STAGED = """
    CREATE TEMPORARY TABLE responses_staged (
      number int, row int, hit text, assignment text, worker int, image text, label int,
      answer smallint, offered int[], selected int[], main int, position int, control bool,
      round smallint, submitted_at timestamptz, seconds float8, status text, used bool
    ) ON COMMIT DROP
"""
_COPY = "COPY {table} FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8')"


def drop_tables(cursor) -> None:
    """Drop an import's temporary tables, as of an earlier import in the same transaction."""
    cursor.execute(
        "DROP TABLE IF EXISTS " + ", ".join(f"pg_temp.responses_{name}" for name in TABLES)
    )


def stage(
    cursor, judgments: Iterable[Judgment], progress: Callable[[int], None] = lambda done: None
) -> int:
    """Fill responses_staged and return its size; `number`: a judgment's position, from 1.

    Calls `progress` with the number of rows after each COPY.
    """
    cursor.execute(_STAGED)
    number = _copy(
        cursor,
        "responses_staged",
        ((number, *judgment) for number, judgment in enumerate(judgments, 1)),
        progress,
    )
    cursor.execute("ANALYZE responses_staged")
    return number


def make_workers(cursor, campaign: Campaign, names: dict[str, int]) -> int:
    """Make the file's workers who are new, and fill responses_worker. Returns how many are new.

    A pseudonym means the worker who has it, or else a new worker who keeps it. Any other name is
    a worker's id in the campaign's crowd.
    """
    cursor.execute(
        "CREATE TEMPORARY TABLE responses_worker (number int PRIMARY KEY, name text,"
        " pseudonym text, is_pseudonym bool, id bigint) ON COMMIT DROP"
    )
    made = pseudonyms(campaign.crowd, names)
    _copy(
        cursor,
        "responses_worker",
        (
            (number, name, name if is_pseudonym(name) else pseudonym, is_pseudonym(name), None)
            for (name, number), pseudonym in zip(names.items(), made, strict=True)
        ),
    )
    cursor.execute("ANALYZE responses_worker")
    # Always in this order, so that two imports that make the same workers cannot deadlock.
    cursor.execute(
        """
        INSERT INTO tasks_worker (crowd, external_id, pseudonym, created_at)
        SELECT %s, n.name, n.pseudonym, now() FROM responses_worker n
        WHERE NOT (n.is_pseudonym AND EXISTS (
          SELECT FROM tasks_worker w WHERE w.pseudonym = n.name))
        ORDER BY n.name COLLATE "C" ON CONFLICT DO NOTHING
        """,
        [campaign.crowd],
    )
    new = cursor.rowcount
    cursor.execute(
        """
        UPDATE responses_worker n SET id = coalesce(
          (SELECT w.id FROM tasks_worker w WHERE n.is_pseudonym AND w.pseudonym = n.name),
          (SELECT w.id FROM tasks_worker w WHERE w.crowd = %s AND w.external_id = n.name),
          (SELECT w.id FROM tasks_worker w WHERE w.pseudonym = n.pseudonym))
        """,
        [campaign.crowd],
    )
    cursor.execute(
        "SELECT FROM tasks_worker WHERE id IN (SELECT id FROM responses_worker)"
        " ORDER BY id FOR KEY SHARE"
    )
    return new


def _copy(
    cursor,
    table: str,
    rows: Iterable[tuple],
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Write rows by COPY, in batches; return how many."""
    buffer = io.StringIO()
    # With this line ending the writer quotes cells that contain either of its characters.
    writer = csv.writer(buffer, lineterminator="\r\n")
    number = 0

    def flush() -> None:
        buffer.seek(0)
        cursor.copy_expert(_COPY.format(table=table), buffer)
        buffer.seek(0)
        buffer.truncate()
        progress(number)

    for row in rows:
        writer.writerow(row)
        number += 1
        if number % AT_ONCE == 0:
            flush()
    flush()
    return number
