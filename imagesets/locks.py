"""The registry of advisory locks, so that no two share a key, and how to hold one.

Postgres keeps two key spaces for advisory locks: single 64-bit keys and pairs of 32-bit keys. All
locks below are pairs: one of `Lock`, and a number for what is locked.
"""

import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum

from django.db import Error, connection

RETRY = 0.1  # seconds between two tries


class Lock(IntEnum):
    """The first key of each lock; the comment says what the second key names."""

    MIGRATION = 7_000  # 0: there is one schema
    AGGREGATION = 7_001  # a campaign's id
    SYNC = 7_002  # a campaign's id
    RESPONSES_IMPORT = 7_003  # a campaign's id
    DATASET_IMPORT = 7_004  # `number_of` a dataset's slug
    INFERENCE = 7_005  # the number of a chunk of images (models_inference/chunks.py)
    NETWORK = 7_006  # `number_of` the network from which visitors come
    KEPT_STUDY = 7_007  # a dataset's id
    WITHDRAWAL = 7_008  # a dataset's id


def number_of(name: str) -> int:
    """The second key for something that has only a name (32 bits, signed)."""
    return zlib.crc32(name.encode()) - 2**31


def take(lock: Lock, what: int) -> bool:
    """Take the lock if it is free, until `release` or the end of this database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, what])
        return bool(cursor.fetchone()[0])


def release(lock: Lock, what: int) -> None:
    """Release a lock that this session holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, what])


def take_until_commit(lock: Lock, what: int) -> None:
    """Wait for the lock, then hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lock, what])


@contextmanager
def held(lock: Lock, what: int, patience: float | None = None) -> Iterator[bool]:
    """Hold the lock during the block. False after `patience` seconds (None: wait for ever).

    A caller must never ignore False: another session has the lock, and the step is still to be
    done. It tells the person, and repeats the step or has it repeated.
    """
    deadline = None if patience is None else time.monotonic() + patience
    while not (taken := take(lock, what)):
        if deadline is not None and time.monotonic() >= deadline:
            break
        time.sleep(RETRY)
    try:
        yield taken
    finally:
        if taken:
            # A lost connection has released it; report the block's error, not the clean-up's.
            with suppress(Error):
                release(lock, what)


@contextmanager
def alone(lock: Lock, what: int) -> Iterator[None]:
    """Hold the lock during the block, or in a transaction until its end, however long it takes.

    Entered before a snapshot is taken: who waited then sees what the other wrote.
    """
    if connection.in_atomic_block:
        take_until_commit(lock, what)
        yield
    else:
        with held(lock, what):
            yield
