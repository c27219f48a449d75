"""Advisory locks: no two share a key, only the registry takes them, and `held` excludes others."""

import re
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection, transaction

from imagesets.locks import Lock, held, number_of, take_until_commit

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("imagesets", "models_inference", "tasks", "annotation")


@pytest.fixture
def other(transactional_db):
    """A second session of the same database, and what it can take and let go of."""
    session = connection.copy()

    class Other:
        def take(self, lock: Lock, what: int) -> bool:
            with session.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, what])
                return cursor.fetchone()[0]

        def release_all(self) -> None:
            with session.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_all()")

    try:
        yield Other()
    finally:
        session.close()


def test_no_two_locks_share_a_key():
    # A repeated value would make the second name an alias, which only __members__ shows.
    keys = Counter(lock.value for lock in Lock.__members__.values())
    assert set(keys.values()) == {1}


def test_no_module_but_the_registry_takes_advisory_locks():
    calls = re.compile(r"pg_(try_)?advisory_\w+")
    users = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if calls.search(path.read_text())
    }
    assert users == {"imagesets/locks.py"}


def test_a_name_makes_a_key_of_32_bits():
    for name in ("", "photos", "a" * 500, "ä"):
        assert -(2**31) <= number_of(name) < 2**31
    assert number_of("photos") != number_of("scenes")


def test_a_lock_that_is_held_excludes_other_sessions_from_it_alone(other):
    with held(Lock.SYNC, 1, patience=0) as mine:
        assert mine
        assert not other.take(Lock.SYNC, 1)
        assert other.take(Lock.SYNC, 2)
        assert other.take(Lock.RESPONSES_IMPORT, 1)
    assert other.take(Lock.SYNC, 1)


def test_held_gives_false_after_its_patience(other):
    assert other.take(Lock.SYNC, 1)
    with held(Lock.SYNC, 1, patience=0.2) as mine:
        assert not mine
    other.release_all()
    with held(Lock.SYNC, 1, patience=0.2) as mine:
        assert mine


def test_a_block_that_did_not_get_the_lock_leaves_it_to_its_holder(other):
    assert other.take(Lock.SYNC, 1)
    with held(Lock.SYNC, 1, patience=0):
        pass
    third = connection.copy()
    try:
        with third.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [Lock.SYNC, 1])
            assert not cursor.fetchone()[0]
    finally:
        third.close()


def test_a_lock_is_let_go_after_an_error(other):
    with pytest.raises(ZeroDivisionError), held(Lock.SYNC, 1):
        raise ZeroDivisionError
    assert other.take(Lock.SYNC, 1)


def test_a_lock_taken_until_commit_is_let_go_by_it(other):
    with transaction.atomic():
        take_until_commit(Lock.AGGREGATION, 1)
        assert not other.take(Lock.AGGREGATION, 1)
    assert other.take(Lock.AGGREGATION, 1)
