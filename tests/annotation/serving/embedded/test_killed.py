"""kill -9 of anything: the next start works, and its stop leaves nothing."""

import time
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from annotation.serving.embedded import redis_url
from tests.studies.embedded_servers import (
    Command,
    assert_nothing_left,
    assert_works_and_leaves_nothing,
    connect,
    eventually,
    processes_of,
    query,
    the,
)


def test_a_killed_command_counts_as_gone(folder: Path) -> None:
    killed, other = Command(folder).ready(), Command(folder).ready()
    killed.kill()
    assert query(folder, "SELECT 1") == [(1,)]
    other.kill()
    assert_nothing_left(folder)
    assert_works_and_leaves_nothing(folder)


@pytest.mark.parametrize("after", [0.2, 0.6])
def test_a_command_killed_while_it_starts_the_servers(fresh: Path, after: float) -> None:
    command = Command(fresh)
    time.sleep(after)
    command.kill()
    assert_works_and_leaves_nothing(fresh)


@pytest.mark.parametrize("after", [0.02, 0.3])
def test_the_keeper_killed_while_it_starts(fresh: Path, after: float) -> None:
    command = Command(fresh)
    keeper = eventually(lambda: processes_of(fresh)["keeper"])[0]
    time.sleep(after)
    keeper.kill()
    command.kill()
    assert_works_and_leaves_nothing(fresh)


def test_the_servers_die_with_the_keeper(folder: Path) -> None:
    command = Command(folder).ready()
    the("keeper", folder).kill()
    eventually(lambda: not any(processes_of(folder).values()))
    Command(folder).ready().leave()  # while the command that lost them still lives
    command.leave()
    assert_nothing_left(folder)


def test_a_start_right_after_the_keeper_was_killed(folder: Path) -> None:
    command = Command(folder).ready()
    query(folder, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS n")
    the("keeper", folder).kill()
    following = Command(folder).ready()
    assert query(folder, "SELECT n FROM kept") == [(1,)]
    command.kill()
    following.leave()
    assert_nothing_left(folder)


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_is_started_again(folder: Path, name: str) -> None:
    command = Command(folder).ready()
    query(folder, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS n")
    killed = the(name, folder)
    killed.kill()
    killed.wait()
    eventually(lambda: processes_of(folder)[name])
    assert eventually(lambda: _reads(folder)) == [(1,)]
    assert eventually(lambda: _pings(folder))
    command.leave()
    assert_nothing_left(folder)
    assert_works_and_leaves_nothing(folder)


def test_postgres_killed_while_a_session_computes(folder: Path) -> None:
    """A busy session outlives its postmaster and would keep the next one from starting."""
    command = Command(folder).ready()
    session = connect(folder)
    cursor = session.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    backend = psutil.Process(cursor.fetchone()[0])
    busy = psycopg2.connect(session.dsn, async_=True)
    psycopg2.extras.wait_select(busy)
    work = busy.cursor()
    work.execute("SELECT count(*) FROM generate_series(1, 100000000000) n WHERE n % 7 = 8")
    the("postgres", folder).kill()
    assert eventually(lambda: _answers(folder))
    assert not backend.is_running()
    command.leave()
    assert_nothing_left(folder)


def test_everything_killed_at_once(folder: Path) -> None:
    command = Command(folder).ready()
    survivors = [process for each in processes_of(folder).values() for process in each]
    for process in survivors:
        process.kill()
    command.kill()
    assert_works_and_leaves_nothing(folder)


def test_a_server_that_always_dies_ends_everything(folder: Path) -> None:
    command = Command(folder).ready()
    keeper = the("keeper", folder)
    deadline = time.monotonic() + 60
    while keeper.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        for process in processes_of(folder)["valkey"]:
            process.kill()
        time.sleep(0.02)
    assert "died 5 times" in (folder / "log" / "keeper.log").read_text()
    command.leave()
    assert_works_and_leaves_nothing(folder)


def _reads(folder: Path) -> list[tuple[int]] | None:
    try:
        return query(folder, "SELECT n FROM kept")
    except psycopg2.OperationalError:
        return None


def _answers(folder: Path) -> bool:
    try:
        return query(folder, "SELECT 1") == [(1,)]
    except psycopg2.OperationalError:
        return False


def _pings(folder: Path) -> bool:
    try:
        return redis.Redis.from_url(redis_url(folder)).ping()
    except redis.ConnectionError:
        return False
