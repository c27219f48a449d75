"""The test database, emptied after a test that commits.

Django's own flush truncates each of some 80 tables, most of them empty, and then asks for every
permission: a second of two processes. Here rows are deleted, and permissions and content types,
which only migrations change, stay.
"""

import functools

from django.db import OperationalError, connection, transaction

KEPT = {"django_content_type", "auth_permission"}
TRIES = 5


def empty() -> None:
    """Delete all rows; waits, as a truncation does, for whoever still writes or locks some.

    A request that a closed page left behind may hold some tables and want others: of the two that
    wait for each other Postgres ends one, and where that is us, the request is done the next time.
    """
    for left in reversed(range(TRIES)):
        try:
            return _delete(_tables())
        except OperationalError as error:
            if "deadlock" not in str(error) or not left:
                raise


def _delete(tables: tuple[str, ...]) -> None:
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
