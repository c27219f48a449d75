"""Where the embedded servers keep their data, logs, locks and sockets."""

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import EmbeddedError
from .ownership import close

DATABASE = "annotation"
ROLE = "annotation"
PORT = 5432  # only names the socket's file; nothing listens on TCP
SOCKET_BASE = Path("/tmp")  # short, and on every machine; $TMPDIR may be neither
# In a process that the keeper's user started under another account: that user's number.
KEEPERS_UID = "SECOND_LOOK_KEEPERS_UID"
HOMES = (Path("/var/lib"), Path("/var/tmp"))


@dataclass(frozen=True)
class Paths:
    """All paths of one DATA_DIR, which is already resolved."""

    data_dir: Path

    @property
    def key(self) -> str:
        """The same for a directory however its path was written."""
        return hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]

    @property
    def own(self) -> Path:
        return self.data_dir / ".embedded"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper while it lives."""
        return self.own / "keeper.lock"

    @property
    def start_lock(self) -> Path:
        """Held by a client while it looks for a keeper or starts one."""
        return self.own / "start.lock"

    @property
    def logs(self) -> Path:
        return self.data_dir / "log"

    @property
    def keeper_log(self) -> Path:
        return self.logs / "keeper.log"

    @property
    def postgres_log(self) -> Path:
        return self.logs / "postgres.log"

    @property
    def valkey_log(self) -> Path:
        return self.logs / "valkey.log"

    @property
    def cluster_link(self) -> Path:
        """The cluster, or a link to it if the servers' account cannot enter DATA_DIR."""
        return self.data_dir / "postgres"

    @property
    def sockets(self) -> Path:
        """Private to this user and this DATA_DIR; only the keeper makes it."""
        uid = os.environ.get(KEEPERS_UID, os.getuid())
        return SOCKET_BASE / f"second-look-{uid}-{self.key}"

    @property
    def control(self) -> Path:
        return self.sockets / "keeper.sock"

    @property
    def servers(self) -> Path:
        """The folder for the sockets of the servers, which may run under another account."""
        return self.sockets / "s"

    @property
    def postgres_socket(self) -> Path:
        return self.servers / f".s.PGSQL.{PORT}"

    @property
    def valkey_socket(self) -> Path:
        return self.servers / "valkey.sock"


def paths_of(data_dir: str | os.PathLike[str]) -> Paths:
    return Paths(Path(os.path.realpath(data_dir)))


def database_url(data_dir: str | os.PathLike[str]) -> str:
    """The database's address, known before anything runs; libpq reads it."""
    return f"postgres://{ROLE}@:{PORT}/{DATABASE}?host={paths_of(data_dir).servers}"


def redis_url(data_dir: str | os.PathLike[str]) -> str:
    """Valkey's address, known before anything runs."""
    return f"unix://{paths_of(data_dir).valkey_socket}"


def make_data_dir(paths: Paths) -> None:
    """Make DATA_DIR and this package's folders in it, closed to other users."""
    try:
        paths.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths.own.mkdir(exist_ok=True, mode=0o700)
        paths.logs.mkdir(exist_ok=True, mode=0o700)
        close(paths.data_dir)
    except OSError as error:
        raise EmbeddedError(f"cannot write in DATA_DIR {paths.data_dir}: {error}") from error


def make_socket_dir(paths: Paths, gid: int | None) -> None:
    """Make the private folder for the sockets, or take over an earlier keeper's.

    `gid`: the group of the servers' account if it is not ours: it may pass through.
    """
    try:
        paths.sockets.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedError(f"cannot make the socket folder {paths.sockets}: {error}") from error
    with contextlib.suppress(FileNotFoundError):  # an earlier keeper just removed it
        check_socket_dir(paths)
        if gid is not None:
            os.chown(paths.sockets, -1, gid, follow_symlinks=False)
            paths.sockets.chmod(0o710)


def check_socket_dir(paths: Paths) -> None:
    """Refuse a folder that another user planted under our name, or a link.

    In a sticky /tmp nobody can replace the folder once it is ours.
    """
    status = os.lstat(paths.sockets)
    if not stat.S_ISDIR(status.st_mode):
        raise EmbeddedError(f"{paths.sockets} is not a folder: remove it")
    if status.st_uid != os.getuid():
        raise EmbeddedError(
            f"{paths.sockets} belongs to another user (uid {status.st_uid}): "
            "remove it, or choose another DATA_DIR"
        )
    if status.st_mode & 0o067:
        raise EmbeddedError(f"{paths.sockets} is open to other users: remove it")
