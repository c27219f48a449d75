"""A command's side: joins the keeper of a DATA_DIR, starting it if needed, and leaves it."""

import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import postgres
from .errors import EmbeddedError
from .paths import Paths, check_socket_dir, make_data_dir, paths_of

PROJECT = Path(__file__).resolve().parents[3]
TRIES = 5
LEAVE_PATIENCE = 90.0


class Lease:
    """A client's connection to the keeper; it ends with `leave` or with the process."""

    def __init__(
        self, paths: Paths, connection: socket.socket, keeper: subprocess.Popen[bytes] | None
    ) -> None:
        self.paths = paths
        self._connection = connection
        self._keeper = keeper
        self._owner = os.getpid()

    @property
    def lost(self) -> bool:
        """Whether the keeper has gone, and the servers with it."""
        if not select.select([self._connection], [], [], 0)[0]:
            return False
        try:
            return self._connection.recv(4096, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def leave(self) -> None:
        """Leave; the last client returns when both servers have stopped."""
        if os.getpid() != self._owner:
            return  # a forked child holds a copy of its parent's lease
        with contextlib.closing(self._connection), contextlib.suppress(OSError):
            self._connection.sendall(b"leave\n")
            self._connection.settimeout(LEAVE_PATIENCE)
            last = _line(self._connection) == ""
            if last and self._keeper is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._keeper.wait(LEAVE_PATIENCE)


@contextlib.contextmanager
def running(data_dir: str | os.PathLike[str], durable: bool = True) -> Iterator[Lease]:
    """Keep Postgres and Valkey running for DATA_DIR during the block.

    Commands share the servers, and the last one to leave stops them. With `durable=False` servers
    that we start may lose the database in a power cut (for tests). Raises EmbeddedError, whose
    text is one line.
    """
    lease = join(data_dir, durable)
    try:
        yield lease
    finally:
        lease.leave()


def join(data_dir: str | os.PathLike[str], durable: bool = True) -> Lease:
    """A lease on running servers: see `running`."""
    paths = paths_of(data_dir)
    make_data_dir(paths)
    for _ in range(TRIES):
        with _start_lock(paths):
            lease = _connect(paths) or _start(paths, durable)
        with _closed_on_error(lease):
            answer = _line(lease._connection)
            if answer == "ready":
                return lease
            if answer.startswith("error "):
                raise EmbeddedError(answer.removeprefix("error "))
        # The keeper ended while we joined: look again.
        lease._connection.close()
    raise EmbeddedError(f"the embedded servers end as soon as they start: see {paths.keeper_log}")


def remove_database(data_dir: str | os.PathLike[str]) -> None:
    """Delete the database of DATA_DIR for good, even if it lies elsewhere (for root it may).

    Raises EmbeddedError while it is in use.
    """
    paths = paths_of(data_dir)
    make_data_dir(paths)
    with paths.keeper_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"the database of {paths.data_dir} is in use") from None
        postgres.remove(paths)


@contextlib.contextmanager
def _closed_on_error(lease: Lease) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        lease._connection.close()
        if lease._keeper is not None and isinstance(error, EmbeddedError):
            lease._keeper.wait()
        raise


@contextlib.contextmanager
def _start_lock(paths: Paths) -> Iterator[None]:
    """Let one client at a time look for a keeper, so that only one starts it."""
    try:
        lock = os.open(paths.start_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(f"cannot use DATA_DIR {paths.data_dir}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _connect(paths: Paths) -> Lease | None:
    """Join the listening keeper, if there is one."""
    try:
        check_socket_dir(paths)
    except FileNotFoundError:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(paths.control))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return Lease(paths, connection, None)


def _start(paths: Paths, durable: bool) -> Lease:
    """Start a keeper with us as its first client; return when it listens."""
    ours, its = socket.socketpair()
    with its, paths.keeper_log.open("ab") as log:
        keeper = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "annotation.serving.embedded",
                str(paths.data_dir),
                *([] if durable else ["--not-durable"]),
            ],
            stdin=its.fileno(),
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches the command alone, not the servers
        )
    lease = Lease(paths, ours, keeper)
    with _closed_on_error(lease):
        answer = _line(ours)
        if answer.startswith("error "):
            raise EmbeddedError(answer.removeprefix("error "))
        if answer != "listening":
            raise EmbeddedError(
                f"the embedded servers' keeper did not start: see {paths.keeper_log}"
            )
    return lease


def _environment() -> dict[str, str]:
    """The keeper's environment: little of ours, since it outlives the command."""
    kept = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _line(connection: socket.socket) -> str:
    """The keeper's next line, or "" if it has gone."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = connection.recv(1)
        except ConnectionError:
            return ""
        if not byte:
            return ""
        line += byte
    return line[:-1].decode(errors="replace")
