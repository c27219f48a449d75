"""The test database, emptied after a test that commits.

Django's own flush truncates each of some 80 tables, most of them empty, and then asks for every
permission: a second of two processes. Here rows are deleted, and permissions and content types,
which only migrations change, stay.
"""

import functools

from django.db import OperationalError, connection, transaction
from psycopg2.errors import DeadlockDetected

KEPT = {"django_content_type", "auth_permission"}
TRIES = 5


def empty() -> None:
    """Delete all rows; waits, as a truncation does, for whoever still writes or locks some.

    A page that is being left may send a last draft, and hold rows of one table while it waits for
    another: of the two Postgres may give up this one, which then tries again.
    """
    for left in reversed(range(TRIES)):
        try:
            return _empty()
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, DeadlockDetected):
                raise


def _empty() -> None:
    tables = _tables()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() == ("on",):  # else each row asks whether others refer to it
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))


@functools.cache
def _tables() -> tuple[str, ...]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return tuple(connection.ops.quote_name(name) for name in sorted(set(names) - KEPT))
