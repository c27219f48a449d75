"""The snapshot of a run, so that the next run reads only what it did not see."""

from dataclasses import dataclass

# For rows whose column `changed` holds the last transaction that changed them (TransactionField).
UNSEEN = """
    a.changed >= %(least)s::text::xid8
    AND (a.changed >= %(end)s::text::xid8 OR a.changed = ANY (%(running)s::text[]::xid8[]))
"""


@dataclass(frozen=True)
class Snapshot:
    """It saw transactions before `least`, none from `end` on, and in between all but `running`.

    Reading everything from `least` on again would be correct, but `least` stands still while any
    transaction runs in the cluster, in whatever database: during a long backup every nightly
    aggregation would read everything.
    """

    least: int
    end: int
    running: list[int]

    @classmethod
    def of(cls, cursor) -> "Snapshot":
        """The cursor's snapshot. Its own transaction counts as running: it may still write."""
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text,"
            " ARRAY(SELECT pg_snapshot_xip(s)::text), pg_current_xact_id_if_assigned()::text"
            " FROM pg_current_snapshot() s"
        )
        least, end, running, own = cursor.fetchone()
        return cls(int(least), int(end), [int(xid) for xid in (*running, own) if xid])
