"""The one clock: the database's.

The site's processes may run on machines whose own clocks differ by hours, so a time that is stored,
or compared with a stored one, is the database's: `Now()` within a query, `database_now` elsewhere.
"""

from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

__all__ = ["Now", "database_now"]


def database_now() -> datetime:
    """The database's time, by a query of its own; where one is made anyway, let it select Now()."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]
