"""What a run has seen of the database, so that the next one reads what that was not."""

from dataclasses import dataclass

# Of rows whose column `changed` tells which transaction changed them last (TransactionField).
UNSEEN = """
    a.changed >= %(least)s::text::xid8
    AND (a.changed >= %(end)s::text::xid8 OR a.changed = ANY (%(running)s::text[]::xid8[]))
"""


@dataclass(frozen=True)
class Snapshot:
    """Transactions from before `least` were seen, those from `end` on were not, and of those
    between, all were but the ones that were running.

    To read again all from `least` on would do, but that stands still as long as one transaction
    runs anywhere in the cluster, in whatever database: a backup, and each night reads everything.
    """

    least: int
    end: int
    running: list[int]

    @classmethod
    def of(cls, cursor) -> "Snapshot":
        """The cursor's. Its own transaction counts as running: it may write more yet."""
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text,"
            " ARRAY(SELECT pg_snapshot_xip(s)::text), pg_current_xact_id_if_assigned()::text"
            " FROM pg_current_snapshot() s"
        )
        least, end, running, own = cursor.fetchone()
        return cls(int(least), int(end), [int(one) for one in (*running, own) if one])
