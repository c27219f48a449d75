"""Where the embedded servers keep their data, logs, locks and sockets."""

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import EmbeddedError

DATABASE = "annotation"
ROLE = "annotation"
PORT = 5432  # only names the socket's file; nothing listens on TCP
SOCKET_BASE = Path("/tmp")  # short and on every machine; $TMPDIR may be neither
HOMES = (Path("/var/lib"), Path("/var/tmp"))


@dataclass(frozen=True)
class Places:
    """All paths of one DATA_DIR (already resolved, symlinks and all)."""

    data_dir: Path

    @property
    def key(self) -> str:
        """Same directory, same key, whichever way it was written."""
        return hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]

    @property
    def own(self) -> Path:
        return self.data_dir / ".embedded"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper for as long as it lives."""
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
        """The cluster itself, or a link to it where the servers' account cannot come in here."""
        return self.data_dir / "postgres"

    @property
    def sockets(self) -> Path:
        """Private to this user and this DATA_DIR; only ever made by the keeper."""
        return SOCKET_BASE / f"second-look-{os.getuid()}-{self.key}"

    @property
    def control(self) -> Path:
        return self.sockets / "keeper.sock"

    @property
    def servers(self) -> Path:
        """The folder in which the servers, perhaps under another account, make their sockets."""
        return self.sockets / "s"

    @property
    def postgres_socket(self) -> Path:
        return self.servers / f".s.PGSQL.{PORT}"

    @property
    def valkey_socket(self) -> Path:
        return self.servers / "valkey.sock"


def places(data_dir: str | os.PathLike[str]) -> Places:
    return Places(Path(os.path.realpath(data_dir)))


def database_url(data_dir: str | os.PathLike[str]) -> str:
    """The database's address, known before anything runs; libpq and django-environ both read it."""
    return f"postgres://{ROLE}@:{PORT}/{DATABASE}?host={places(data_dir).servers}"


def redis_url(data_dir: str | os.PathLike[str]) -> str:
    """Valkey's address, known before anything runs."""
    return f"unix://{places(data_dir).valkey_socket}"


def make_data_dir(place: Places) -> None:
    """Make DATA_DIR and the folders of this package in it."""
    try:
        place.own.mkdir(parents=True, exist_ok=True)
        place.logs.mkdir(exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"cannot write in DATA_DIR {place.data_dir}: {error}") from error


def make_socket_dir(place: Places, gid: int | None) -> None:
    """Make the private folder for the sockets, or take over what an earlier keeper left there.

    `gid`: the group of the servers' account where that is not ours: it may pass through.
    """
    try:
        place.sockets.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedError(f"cannot make the socket folder {place.sockets}: {error}") from error
    with contextlib.suppress(FileNotFoundError):  # an earlier keeper just removed it
        check_socket_dir(place)
        if gid is not None:
            os.chown(place.sockets, -1, gid, follow_symlinks=False)
            place.sockets.chmod(0o710)


def check_socket_dir(place: Places) -> None:
    """Refuse a folder that another user planted at our name, or a link to somewhere else.

    In a sticky /tmp nobody can replace the folder once it is ours.
    """
    found = os.lstat(place.sockets)
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedError(f"{place.sockets} is not a folder: remove it")
    if found.st_uid != os.getuid():
        raise EmbeddedError(
            f"{place.sockets} belongs to another user (uid {found.st_uid}): "
            "remove it, or choose another DATA_DIR"
        )
    if found.st_mode & 0o067:
        raise EmbeddedError(f"{place.sockets} is open to other users: remove it")
