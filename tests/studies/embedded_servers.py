"""Commands that use the embedded servers, as processes of their own that tests can kill."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from annotation.serving.embedded import EmbeddedError, remove_database
from annotation.serving.embedded.paths import paths_of

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from annotation.serving.embedded import EmbeddedError, running
try:
    with running(sys.argv[1], durable=False):
        print("in", flush=True)
        sys.stdin.read()
except EmbeddedError as error:
    print(f"Error: {error}", file=sys.stderr)
    sys.exit(1)
"""


class Command:
    """A process inside `running(folder)`."""

    def __init__(self, folder: Path, python: str = sys.executable, **popen: Any) -> None:
        popen.setdefault("env", {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)})
        self.process = subprocess.Popen(
            [python, "-c", SCRIPT, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            **popen,
        )

    def ready(self) -> "Command":
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "in\n":
            raise AssertionError(self.process.communicate()[1])
        return self

    def leave(self) -> None:
        _, errors = self.process.communicate(timeout=60)
        assert (self.process.returncode, errors) == (0, "")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def error(self) -> str:
        """The one line of its error."""
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 1
        assert errors.count("\n") == 1, errors
        return errors


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(connect(folder)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def connect(folder: Path) -> Any:
    return psycopg2.connect(
        host=str(paths_of(folder).servers), port=5432, user="annotation", dbname="annotation"
    )


def processes_of(folder: Path) -> dict[str, list[psutil.Process]]:
    """Keeper and servers of this folder, found by what their command lines name."""
    place = paths_of(folder)
    by_name: dict[str, list[psutil.Process]] = {"keeper": [], "postgres": [], "valkey": []}
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if "annotation.serving.embedded" in line and str(place.data_dir) in line:
            by_name["keeper"].append(process)
        elif line and line[0].endswith("/postgres") and f"{place.servers}" in line[-1]:
            by_name["postgres"].append(process)
        elif line and "valkey-server" in line[0] and str(place.servers) in " ".join(line):
            by_name["valkey"].append(process)
    return by_name


def the(name: str, folder: Path) -> psutil.Process:
    """The one process of that name."""
    (process,) = processes_of(folder)[name]
    return process


def eventually(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until the condition holds, and return what it returned."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
    return result


def leftovers(folder: Path) -> list[str]:
    """What still exists: processes that name the folder, and the sockets."""
    place = paths_of(folder)
    words = (str(place.data_dir), str(place.sockets))
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if any(word in line for word in words) and process.pid != os.getpid():
                left.append(line)
    return left + [str(place.sockets)] * place.sockets.exists()


def assert_nothing_left(folder: Path) -> None:
    eventually(lambda: not leftovers(folder))


def assert_works_and_leaves_nothing(folder: Path) -> None:
    """The next start works, and its stop leaves nothing."""
    command = Command(folder).ready()
    assert query(folder, "SELECT 1") == [(1,)]
    command.leave()
    assert_nothing_left(folder)


@contextlib.contextmanager
def hard_links(source: Path, target: Path) -> Iterator[Path]:
    """A copy of a folder that costs nothing where links are possible."""
    import shutil

    def link(have: str, want: str) -> None:
        try:
            os.link(have, want)
        except OSError:
            shutil.copy2(have, want)

    shutil.copytree(source, target, copy_function=link)
    yield target
    shutil.rmtree(target)


def forget(data_dir: Path, patience: float = 30.0) -> None:
    """Remove a database once the processes that a test left have let go of it."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return remove_database(data_dir)
        except EmbeddedError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.2)
