"""The Postgres cluster: its folder, creation, command line and readiness."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
from functools import partial
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import sql

from . import processes
from .account import Account
from .errors import EmbeddedError
from .paths import DATABASE, HOMES, PORT, ROLE, Paths
from .programs import Programs

QUICK_STOP = ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 5))

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0770",  # the group is this DATA_DIR's own, where it is not ours
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    # One machine, no replicas: rows loaded into a table made in the same transaction skip the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "autovacuum": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
# Survives kill -9, but not a power cut.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def settle(paths: Paths, account: Account) -> Path:
    """The resolved folder for the cluster, which the account can reach; `create` makes it.

    That is DATA_DIR/postgres. If the account cannot enter DATA_DIR, it is a link of that name to a
    private folder under /var/lib, so that a moved DATA_DIR finds its cluster again.
    """
    link = paths.cluster_link
    if link.is_symlink():
        cluster = Path(os.path.realpath(link))
        if not cluster.parent.exists():
            raise EmbeddedError(
                f"{link} leads to {cluster}, which is missing: remove that link to begin with an "
                "empty database"
            )
        _claim(cluster.parent, paths)
        if account.other:
            os.chown(cluster.parent, -1, account.gid)
        return cluster
    if link.exists() and any(link.iterdir()):
        return link
    if account.can(lambda: os.access(paths.data_dir, os.X_OK)):
        return link
    if link.exists():
        link.rmdir()
    cluster = home_for(account) / f"{paths.key}-{secrets.token_hex(4)}" / "postgres"
    cluster.parent.mkdir()
    os.chown(cluster.parent, -1, account.gid)
    cluster.parent.chmod(0o710)  # it stays ours: the account only passes through
    _claim(cluster.parent, paths)
    link.symlink_to(cluster)
    return cluster


def remove(paths: Paths) -> None:
    """Delete the cluster, wherever it lies. The caller makes sure that nothing uses it."""
    link = paths.cluster_link
    if link.is_symlink():
        shutil.rmtree(Path(os.path.realpath(link)).parent, ignore_errors=True)
        link.unlink()
    else:
        shutil.rmtree(link, ignore_errors=True)


def home_for(account: Account) -> Path:
    """A folder of ours that the account can enter, for files it cannot reach elsewhere."""
    for base in HOMES:
        home = base / "second-look"
        try:
            home.mkdir()
            home.chmod(0o711)
        except FileExistsError:
            pass
        except OSError:
            continue
        status = home.lstat()
        if (
            stat.S_ISDIR(status.st_mode)
            and status.st_uid == os.getuid()
            and not status.st_mode & 0o022
            and account.can(partial(os.access, home, os.X_OK))
        ):
            return home
    raise EmbeddedError(
        f"the account {account.name} can reach neither DATA_DIR nor "
        f"{' nor '.join(str(base / 'second-look') for base in HOMES)}: choose another DATA_DIR"
    )


def _claim(home: Path, paths: Paths) -> None:
    """Refuse a cluster that another DATA_DIR uses: a copied DATA_DIR has a copied link."""
    note = home / "data_dir"
    if note.exists():
        other = Path(os.fsdecode(note.read_bytes()))
        theirs = other / paths.cluster_link.name
        if other != paths.data_dir and os.path.realpath(theirs) == str(home / "postgres"):
            raise EmbeddedError(
                f"{paths.cluster_link} leads to the database of {other}: "
                "remove that link to begin with an empty database"
            )
    note.write_bytes(os.fsencode(paths.data_dir))


def create(
    cluster: Path, programs: Programs, account: Account, log: Path, durable: bool = True
) -> None:
    """Make the cluster if there is none; throw away one that an interrupted start left."""
    if (cluster / "PG_VERSION").exists():
        if cluster.stat().st_uid != account.uid:
            raise EmbeddedError(
                f"{cluster} belongs to uid {cluster.stat().st_uid}: run this as that user"
            )
        version = (cluster / "PG_VERSION").read_text().strip()
        if version != "18":
            raise EmbeddedError(
                f"{cluster} was made by Postgres {version}, this is 18: "
                "dump it with the old release and load it with this one"
            )
        return
    if cluster.exists() and any(cluster.iterdir()):
        raise EmbeddedError(f"{cluster} is not a Postgres cluster: move it away")
    for old in cluster.parent.glob(f"{cluster.name}.*.part"):
        shutil.rmtree(old, ignore_errors=True)
    part = cluster.with_name(f"{cluster.name}.{secrets.token_hex(4)}.part")
    part.mkdir(mode=0o700)
    if account.other:
        os.chown(part, account.uid, account.gid)
    command = [
        str(programs.initdb),
        f"--pgdata={part}",
        f"--username={ROLE}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth=trust",  # only this user can enter the socket's folder
        "--no-instructions",
    ]
    if not durable:
        command.append("--no-sync")
    since = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment(),
            preexec_fn=processes.dies_with_parent(signal.SIGTERM),
            **account.popen_arguments(),
        )
    if done.returncode != 0:
        why = last_error(log, since)
        raise EmbeddedError(f"Postgres could not make its cluster {cluster} ({why}): see {log}")
    if cluster.exists():
        cluster.rmdir()
    part.rename(cluster)


def environment() -> dict[str, str]:
    """The servers' environment: without the caller's locale, PG* variables and home."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def command(cluster: Path, paths: Paths, programs: Programs, durable: bool = True) -> list[str]:
    """The server's command line, recognised later by the cluster's path in it."""
    settings = SETTINGS | ({} if durable else NOT_DURABLE)
    settings["unix_socket_directories"] = str(paths.servers)
    arguments = [str(programs.postgres), "-D", str(cluster)]
    for name, value in settings.items():
        arguments += ["-c", f"{name}={value}"]
    return arguments


def clear_the_way(cluster: Path) -> None:
    """End servers that an earlier keeper left on this cluster, and remove a stale lock file.

    Called under the keeper's lock. The lock file stays if its process has gone (Postgres then
    checks for surviving sessions itself); it is removed only if the pid was recycled.
    """
    processes.end(processes.find_servers("postgres", str(cluster), str(cluster)), QUICK_STOP)
    pid_file = cluster / "postmaster.pid"
    try:
        lines = pid_file.read_text().splitlines()
        pid, started = int(lines[0]), int(lines[2])
        process = psutil.Process(pid)
        # A zombie is dead; its parent has only not collected its exit code.
        alive = process.status() != psutil.STATUS_ZOMBIE
        if alive and process.name() == "postgres" and _may_be(process, cluster, started):
            raise EmbeddedError(f"a Postgres of another kind (pid {pid}) uses {cluster}: stop it")
    except (FileNotFoundError, psutil.NoSuchProcess):
        return
    except (ValueError, IndexError):
        pass  # cut short by a full disk or a crash: nothing to rely on
    pid_file.unlink(missing_ok=True)


def _may_be(process: psutil.Process, cluster: Path, started: int) -> bool:
    try:
        return process.cwd() == str(cluster)
    except psutil.AccessDenied:
        return abs(process.create_time() - started) < 5


def ready(paths: Paths) -> bool:
    """Whether the server takes connections; makes the database on the first."""
    try:
        connection = psycopg2.connect(
            host=str(paths.servers), port=PORT, user=ROLE, dbname="postgres", connect_timeout=5
        )
    except psycopg2.OperationalError:
        return False
    with contextlib.closing(connection):
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    return True


def last_error(log: Path, since: int) -> str:
    """The last error in the log after byte `since`, or ""."""
    with contextlib.suppress(OSError), log.open("rb") as lines:
        lines.seek(since)
        for line in reversed(lines.read().decode(errors="replace").splitlines()):
            error = re.search(r"(?:FATAL|error): +(.*)", line)
            if error and "is starting up" not in line:
                return error[1]
    return ""
