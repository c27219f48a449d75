"""References of new rows to images, labels and workers: locked once, not looked up row by row.

Postgres checks each foreign key of each row by a query of its own at the end of the transaction:
four million of them for a million judgments, as much time as all the rest of storing them. Here
every id that is stored was just read from the table that it refers to.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from imagesets.models import Dataset


def keep_labels(cursor, dataset: Dataset) -> None:
    """Nobody deletes a label of the dataset before the import is done.

    By the lock that Postgres itself takes for a reference; so too for images.
    """
    cursor.execute(
        "SELECT FROM imagesets_label WHERE dataset_id = %s ORDER BY id FOR KEY SHARE", [dataset.pk]
    )


def keep_images(cursor, dataset: Dataset) -> None:
    """Nobody deletes an image that a staged judgment names before the import is done."""
    cursor.execute(
        """
        SELECT FROM imagesets_image
        WHERE dataset_id = %s AND key IN (SELECT image FROM responses_staged)
        ORDER BY id FOR KEY SHARE
        """,
        [dataset.pk],
    )


@contextmanager
def not_checked_again(cursor) -> Iterator[None]:
    """References inserted within are not looked up again, where the database's user may say so.

    That is a superuser, or who was granted SET on session_replication_role. For others it is
    slower and the same. Triggers do not fire either: it is for INSERT alone.
    """
    cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
    (may,) = cursor.fetchone()
    if may:
        cursor.execute("SET LOCAL session_replication_role = replica")
    yield
    if may:
        cursor.execute("SET LOCAL session_replication_role = origin")
