"""Files left behind by an earlier run, or by another program, stop no start."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from annotation.serving.embedded import EmbeddedError, running
from annotation.serving.embedded.paths import paths_of
from annotation.serving.embedded.processes import find_servers
from tests.studies.embedded_servers import (
    Command,
    assert_nothing_left,
    assert_works_and_leaves_nothing,
    eventually,
    query,
    the,
)


@pytest.fixture
def stranger():
    """A process of somebody else's, whose number a stale file will name."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("recycled", [True, False], ids=["recycled", "dead"])
def test_a_stale_lock_file_of_postgres(folder: Path, stranger, recycled: bool) -> None:
    if not recycled:
        stranger.kill()
        stranger.wait()
    cluster = folder / "postgres"
    lines = [str(stranger.pid), str(cluster), str(int(time.time())), "5432", "/nowhere", "", "", ""]
    (cluster / "postmaster.pid").write_text("\n".join(lines))
    os.chown(cluster / "postmaster.pid", cluster.stat().st_uid, cluster.stat().st_gid)
    assert_works_and_leaves_nothing(folder)
    assert (stranger.poll() is None) is recycled


def test_a_lock_file_cut_short(folder: Path) -> None:
    (folder / "postgres" / "postmaster.pid").write_text("")
    assert_works_and_leaves_nothing(folder)


def test_a_postgres_of_another_cluster_is_left_alone(folder: Path, tmp_path: Path) -> None:
    """Even where the stale number is now that of somebody else's Postgres."""
    other = tmp_path / "other"
    with running(other, durable=False):
        pid = the("postgres", other).pid
        stale = folder / "postgres" / "postmaster.pid"
        stale.write_text(f"{pid}\n{folder / 'postgres'}\n{int(time.time()) - 900}\n5432\n")
        assert_works_and_leaves_nothing(folder)
        assert the("postgres", other).pid == pid
        assert query(other, "SELECT 1") == [(1,)]


def test_a_server_that_only_looks_alike_is_left_alone(folder: Path) -> None:
    """Another server's folder may begin with the name of ours."""
    with running(folder, durable=False):
        (ours,) = [
            argument for argument in the("postgres", folder).cmdline() if "/postgres" in argument
        ][1:2]
        assert find_servers("postgres", ours) == [the("postgres", folder)]
        assert find_servers("postgres", ours[:-1]) == []
        socket = str(paths_of(folder).valkey_socket)
        assert find_servers("valkey-server", socket) == [the("valkey", folder)]
        assert find_servers("valkey-server", socket[1:]) == []


def test_a_half_made_cluster_is_made_again(fresh: Path) -> None:
    (fresh / "postgres.0a1b.part" / "base").mkdir(parents=True)
    (fresh / "postgres").mkdir()
    assert_works_and_leaves_nothing(fresh)
    assert not list(Path(os.path.realpath(fresh / "postgres")).parent.glob("*.part"))


def test_sockets_of_an_earlier_life(folder: Path) -> None:
    place = paths_of(folder)
    place.servers.mkdir(parents=True)
    place.sockets.chmod(0o700)
    (place.servers / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n/somewhere\n0\n5432\n\n")
    for path in (place.control, place.postgres_socket, place.valkey_socket):
        path.write_text("not a socket")
    assert_works_and_leaves_nothing(folder)


def test_a_link_planted_at_the_sockets_name_is_not_followed(fresh: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    paths_of(fresh).sockets.symlink_to(trap)
    try:
        assert "is not a folder" in Command(fresh).error()
        assert list(trap.iterdir()) == []
    finally:
        paths_of(fresh).sockets.unlink()


def test_a_folder_open_to_others_is_refused(fresh: Path) -> None:
    paths_of(fresh).sockets.mkdir()
    paths_of(fresh).sockets.chmod(0o777)
    assert "open to other users" in Command(fresh).error()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can play another user")
def test_another_users_folder_is_refused(fresh: Path) -> None:
    paths_of(fresh).sockets.mkdir(mode=0o700)
    os.chown(paths_of(fresh).sockets, 12345, 12345)
    assert "belongs to another user (uid 12345)" in Command(fresh).error()


def test_the_data_removed_while_they_run(fresh: Path) -> None:
    command = Command(fresh).ready()
    shutil.rmtree(fresh)
    following = Command(fresh).ready()
    assert query(fresh, "SELECT 1") == [(1,)]
    following.leave()
    command.leave()
    assert_nothing_left(fresh)


def test_the_sockets_removed_while_they_run(folder: Path) -> None:
    command = Command(folder).ready()
    keeper = the("keeper", folder)
    shutil.rmtree(paths_of(folder).sockets)
    following = Command(folder).ready()
    assert the("keeper", folder) != keeper
    assert query(folder, "SELECT 1") == [(1,)]
    following.leave()
    command.leave()
    assert_nothing_left(folder)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda cluster: (cluster / "PG_VERSION").write_text("16\n"), "made by Postgres 16"),
        (lambda cluster: shutil.rmtree(cluster / "global"), "log/postgres.log"),
        (lambda cluster: (cluster / "PG_VERSION").unlink(), "is not a Postgres cluster"),
    ],
)
def test_a_broken_cluster_is_one_line(fresh: Path, spoil, says: str) -> None:
    with running(fresh, durable=False):
        pass
    spoil(fresh / "postgres")
    assert says in Command(fresh).error()
    assert_nothing_left(fresh)


def test_a_data_dir_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in Command(tmp_path / "file" / "var").error()
    with pytest.raises(EmbeddedError, match="cannot write in DATA_DIR"), running(tmp_path / "file"):
        pass


def test_the_log_is_not_mistaken_for_a_lock(folder: Path) -> None:
    """The lock goes with the process, not with the file."""
    assert paths_of(folder).keeper_lock.exists()
    assert_works_and_leaves_nothing(folder)
    eventually(lambda: "stopping" in paths_of(folder).keeper_lock.read_text())
