"""Locks the images and labels that new rows refer to, so that Postgres need not check each row.

Postgres checks each foreign key of each row by a query of its own at the end of the transaction:
four million of them for a million judgments, as much time as all the rest of storing them. An
import has just read every id that it stores from the table that the id refers to.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from imagesets.models import Dataset


def lock_labels(cursor, dataset: Dataset) -> None:
    """Let nobody delete a label of the dataset before the import ends.

    Takes the lock that Postgres itself takes for a reference; so does lock_images.
    """
    cursor.execute(
        "SELECT FROM imagesets_label WHERE dataset_id = %s ORDER BY id FOR KEY SHARE", [dataset.pk]
    )


def lock_images(cursor, dataset: Dataset) -> None:
    """Let nobody delete an image that a staged judgment names before the import ends."""
    cursor.execute(
        """
        SELECT FROM imagesets_image
        WHERE dataset_id = %s AND key IN (SELECT image FROM responses_staged)
        ORDER BY id FOR KEY SHARE
        """,
        [dataset.pk],
    )


@contextmanager
def unchecked_references(cursor) -> Iterator[None]:
    """Insert rows without checking their references, if the database's user may do so.

    A superuser may, and users with SET on session_replication_role; for others the result is the
    same, but slower. Triggers do not fire either: use it only for INSERT.
    """
    cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
    (may,) = cursor.fetchone()
    if may:
        cursor.execute("SET LOCAL session_replication_role = replica")
    yield
    if may:
        cursor.execute("SET LOCAL session_replication_role = origin")
