"""A command's side: join the keeper of a DATA_DIR, starting it if need be, and leave it again."""

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
from .paths import Places, check_socket_dir, make_data_dir, places

PROJECT = Path(__file__).resolve().parents[3]
TRIES = 5
LEAVE_PATIENCE = 90.0


class Lease:
    """A place among the keeper's clients; it ends with `leave` or with the process."""

    def __init__(
        self, place: Places, connection: socket.socket, keeper: subprocess.Popen[bytes] | None
    ) -> None:
        self.place = place
        self._connection = connection
        self._keeper = keeper
        self._owner = os.getpid()

    @property
    def lost(self) -> bool:
        """Whether the keeper is gone, and the servers with it."""
        if not select.select([self._connection], [], [], 0)[0]:
            return False
        try:
            return self._connection.recv(4096, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def leave(self) -> None:
        """Go; where we were the last one, return when both servers have stopped."""
        if os.getpid() != self._owner:
            return  # a forked child holds a copy of what its parent joined
        with contextlib.closing(self._connection), contextlib.suppress(OSError):
            self._connection.sendall(b"leave\n")
            self._connection.settimeout(LEAVE_PATIENCE)
            last = _line(self._connection) == ""
            if last and self._keeper is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._keeper.wait(LEAVE_PATIENCE)


@contextlib.contextmanager
def running(data_dir: str | os.PathLike[str], durable: bool = True) -> Iterator[Lease]:
    """Have Postgres and Valkey running for DATA_DIR while inside.

    They are joined where another command runs them and stopped by the last one out. With
    `durable=False`, and only where it is we who start them, a power cut may cost the database
    (for tests). Raises EmbeddedError, whose text is one line.
    """
    lease = join(data_dir, durable)
    try:
        yield lease
    finally:
        lease.leave()


def join(data_dir: str | os.PathLike[str], durable: bool = True) -> Lease:
    """A lease on running servers: see `running`."""
    place = places(data_dir)
    make_data_dir(place)
    for _ in range(TRIES):
        with _start_lock(place):
            lease = _connect(place) or _start(place, durable)
        with _closed_on_error(lease):
            answer = _line(lease._connection)
            if answer == "ready":
                return lease
            if answer.startswith("error "):
                raise EmbeddedError(answer.removeprefix("error "))
        # The keeper ended while we came in: look again.
        lease._connection.close()
    raise EmbeddedError(f"the embedded servers end as soon as they start: see {place.keeper_log}")


def remove_database(data_dir: str | os.PathLike[str]) -> None:
    """Delete the database of DATA_DIR for good, also where it lies elsewhere (as root it may).

    Raises EmbeddedError while anything uses it.
    """
    place = places(data_dir)
    make_data_dir(place)
    with place.keeper_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"the database of {place.data_dir} is in use") from None
        postgres.remove(place)


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
def _start_lock(place: Places) -> Iterator[None]:
    """One client at a time looks for a keeper, so that only one starts it."""
    try:
        lock = os.open(place.start_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(f"cannot use DATA_DIR {place.data_dir}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _connect(place: Places) -> Lease | None:
    """Join the keeper that listens, if one does."""
    try:
        check_socket_dir(place)
    except FileNotFoundError:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(place.control))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return Lease(place, connection, None)


def _start(place: Places, durable: bool) -> Lease:
    """Start a keeper, of which we are the first client; return when it listens."""
    ours, its = socket.socketpair()
    with its, place.keeper_log.open("ab") as log:
        keeper = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "annotation.serving.embedded",
                str(place.data_dir),
                *([] if durable else ["--not-durable"]),
            ],
            stdin=its.fileno(),
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C at the terminal is the command's, not the servers'
        )
    lease = Lease(place, ours, keeper)
    with _closed_on_error(lease):
        answer = _line(ours)
        if answer.startswith("error "):
            raise EmbeddedError(answer.removeprefix("error "))
        if answer != "listening":
            raise EmbeddedError(
                f"the embedded servers' keeper did not start: see {place.keeper_log}"
            )
    return lease


def _environment() -> dict[str, str]:
    """The keeper outlives the command that starts it: it takes little of its environment."""
    kept = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _line(connection: socket.socket) -> str:
    """The next line that the keeper says, or nothing where it is gone."""
    said = b""
    while not said.endswith(b"\n"):
        try:
            byte = connection.recv(1)
        except ConnectionError:
            return ""
        if not byte:
            return ""
        said += byte
    return said[:-1].decode(errors="replace")
