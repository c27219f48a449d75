"""Reads that agree with each other: all in one transaction on one snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def on_one_snapshot() -> Iterator[Any]:
    """A cursor in a transaction on one snapshot, or in the caller's transaction."""
    within = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not within:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL jit = off")
        yield cursor
