"""Commands start the servers, share them, and the last one out stops them."""

import contextlib
import os
import subprocess
import threading
from pathlib import Path

import psutil
import pytest
import redis

from annotation.serving import server_addresses
from annotation.serving.embedded import binaries, database_url, redis_url, running
from tests.studies.embedded_servers import (
    Command,
    assert_nothing_left,
    assert_works_and_leaves_nothing,
    processes_of,
    query,
    the,
)


def test_both_answer_at_the_addresses_known_before(fresh: Path) -> None:
    database, queue = database_url(fresh), redis_url(fresh)
    settings = server_addresses.database(database)
    assert settings["USER"] == settings["NAME"] == "annotation"
    assert not fresh.exists()
    with running(fresh, durable=False):
        versions = subprocess.run(
            [binaries().psql, database, "-Atc", "SHOW server_version_num; SHOW listen_addresses"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert versions.stdout.startswith("18")
        assert versions.stdout.endswith("\n\n")
        assert redis.Redis.from_url(queue).ping()
        assert (database_url(fresh), redis_url(fresh)) == (database, queue)
    assert_nothing_left(fresh)


def test_nothing_listens_on_tcp(folder: Path) -> None:
    with running(folder, durable=False):
        keeper = the("keeper", folder)
        for process in [keeper, *keeper.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                assert process.net_connections(kind="inet") == []


def test_sorting_does_not_depend_on_the_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("PGOPTIONS", "-c timezone=Europe/Berlin")
    monkeypatch.delenv("HOME", raising=False)
    with running(folder, durable=False):
        rows = query(folder, "SELECT x FROM unnest(ARRAY['b', 'B', 'a', 'Z', 'é']) x ORDER BY x")
    assert [row[0] for row in rows] == ["B", "Z", "a", "b", "é"]


def test_data_stay_between_two_runs(folder: Path) -> None:
    with running(folder, durable=False):
        query(folder, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n")
    with running(folder, durable=False):
        assert query(folder, "SELECT n FROM kept") == [(7,)]


def test_the_last_one_out_stops_the_servers(folder: Path) -> None:
    first, second = Command(folder).ready(), Command(folder).ready()
    first.leave()
    assert query(folder, "SELECT 1") == [(1,)]
    second.leave()
    assert_nothing_left(folder)


def test_a_process_may_be_inside_twice(folder: Path) -> None:
    with running(folder, durable=False):
        with running(folder):
            pass
        assert query(folder, "SELECT 1") == [(1,)]


def test_a_forked_child_does_not_leave_for_its_parent(folder: Path) -> None:
    with running(folder, durable=False) as lease:
        child = os.fork()
        if child == 0:
            lease.leave()
            os._exit(0)
        os.waitpid(child, 0)
        assert not lease.lost
        assert query(folder, "SELECT 1") == [(1,)]


def test_four_at_the_same_moment_share_one_keeper(fresh: Path) -> None:
    commands = [Command(fresh) for _ in range(4)]
    for command in commands:
        command.ready()
    assert {name: len(found) for name, found in processes_of(fresh).items()} == {
        "keeper": 1,
        "postgres": 1,
        "valkey": 1,
    }
    for command in commands:
        command.leave()
    assert_nothing_left(fresh)


def test_two_folders_at_the_same_moment_do_not_meet(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    commands = [Command(folder) for folder in folders]
    for folder, command in zip(folders, commands, strict=True):
        command.ready()
        query(folder, f"CREATE TABLE mine AS SELECT '{folder.name}' AS name")
    commands[0].leave()
    assert query(folders[1], "SELECT name FROM mine") == [("two",)]
    commands[1].leave()
    for folder in folders:
        assert_nothing_left(folder)


def test_coming_and_going_all_the_time(folder: Path) -> None:
    """Newcomers meet a keeper that is about to stop, and are served all the same."""
    failures: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(3):
                with running(folder, durable=False):
                    query(folder, "SELECT 1")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert_nothing_left(folder)


@pytest.mark.parametrize("name", ["a space, quo'te\" é%41$HOME", "long" * 40])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "var"
    assert_works_and_leaves_nothing(folder)


def test_a_link_to_the_folder_is_the_same_folder(folder: Path, tmp_path: Path) -> None:
    other_name = tmp_path / "link"
    other_name.symlink_to(folder)
    assert database_url(other_name) == database_url(folder)
    with running(folder, durable=False), running(other_name):
        assert len(processes_of(folder)["keeper"]) == 1


def test_a_terminated_command_leaves(folder: Path) -> None:
    command = Command(folder).ready()
    command.process.terminate()
    command.process.communicate()
    assert_nothing_left(folder)


def test_a_terminated_keeper_stops_cleanly(folder: Path) -> None:
    with running(folder, durable=False) as lease:
        keeper = the("keeper", folder)
        keeper.terminate()
        psutil.wait_procs([keeper], timeout=20)
        assert lease.lost
    assert "database system is shut down" in (folder / "log" / "postgres.log").read_text()
    assert_nothing_left(folder)
