"""Children of root's commands that run as the site's own account, which owns nothing else.

That account may not be able to enter folders in which Python or the project lies (/root is closed
to it). Its processes then see an empty folder in their place that holds these alone: a mount
namespace of their own, which root may make on Linux.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import OperationalError, connection

from annotation.serving.embedded.ownership import close, site_account
from annotation.serving.embedded.paths import KEEPERS_UID
from imagesets.models import Image

CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Dropped:
    """The site's account, and how a child becomes it."""

    uid: int
    gid: int
    folders: Mapping[Path, list[Path]]  # closed to the account: empty for it but for these paths

    @property
    def environment(self) -> dict[str, str]:
        """What a child is told of it: it has no entry in /etc/passwd to look into."""
        home = str(settings.DATA_DIR / "home")
        return {
            "HOME": home,
            "LOGNAME": "second-look",
            "USER": "second-look",
            KEEPERS_UID: str(os.getuid()),
        }

    def enter(self) -> None:
        """Become the account, in a child between fork and exec."""
        for folder, paths in self.folders.items():
            _empty(folder, paths)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        os.umask(0o077)
        os.chdir(settings.BASE_DIR)  # as it is seen now


def dropped() -> tuple[Dropped | None, str]:
    """How children run as the site's account, which must be able to read the studies' pictures.

    None where this process is not root's, or they cannot; then why, in a few words.
    """
    close(settings.DATA_DIR)
    account = site_account(settings.DATA_DIR)
    if account is None:
        return None, "" if os.getuid() else "this machine has no number for an account"
    folders: dict[Path, list[Path]] = {}
    for path in needed():
        if folder := _closed(Dropped(*account, {}), path):
            folders.setdefault(folder, []).append(path)
    child = Dropped(*account, folders)
    if not _can(child, _works):
        return None, f"uid {child.uid} cannot enter {', '.join(map(str, child.folders))}"
    for file in files_of_studies():
        if not _can(child, lambda file=file: os.access(file, os.R_OK)):  # type: ignore[misc]
            return None, f"uid {child.uid} cannot read {file}"
    return child, ""


def as_account(
    account: Dropped | None, environment: Mapping[str, str], then: Callable[[], None]
) -> dict[str, Any]:
    """Popen's arguments for a child that runs as the account, if any, and calls `then` first."""
    if account is None:
        return {"env": environment, "preexec_fn": then}

    def begin() -> None:
        account.enter()
        then()

    return {"env": {**environment, **account.environment}, "preexec_fn": begin}


def files_of_studies() -> list[Path]:
    """A picture of each dataset that lies on this machine; none where no database is yet."""
    with contextlib.suppress(OperationalError):
        if Image._meta.db_table in connection.introspection.table_names():
            rows = Image.objects.exclude(location="").exclude(location__startswith="s3://")
            rows = rows.order_by("dataset_id", "pk").distinct("dataset_id")
            locations = rows.values_list("location", flat=True)
            paths = [settings.DATA_DIR / location for location in locations]
            return [path for path in paths if path.exists()]
    return []


def needed() -> list[Path]:
    """What a child must reach: Python, its packages, the project, DATA_DIR."""
    real = Path(os.path.realpath(sys.executable)).parents[1]
    paths = [Path(sys.base_prefix), Path(sys.prefix), real, settings.BASE_DIR, settings.DATA_DIR]
    return list(dict.fromkeys(path.resolve() for path in paths))


def _works() -> bool:
    """Whether this process can run the project, from its folders as it sees them."""
    return (
        all(os.access(path, os.X_OK) for path in needed())
        and os.access(sys.executable, os.X_OK)
        and os.access(settings.BASE_DIR / "manage.py", os.R_OK)
        and os.access(django.__file__, os.R_OK)
    )


def _closed(account: Dropped, path: Path) -> Path | None:
    """The highest folder above `path` that the account cannot enter."""
    for folder in reversed(path.parents):
        if not _can(account, lambda folder=folder: os.access(folder, os.X_OK)):  # type: ignore[misc]
            return folder
    return None


def _can(account: Dropped, test: Callable[[], bool]) -> bool:
    """Whether `test` holds for the account, tried in a child process that runs as it."""
    child = os.fork()
    if child == 0:
        try:
            account.enter()
            os._exit(0 if test() else 1)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _empty(folder: Path, paths: Iterable[Path]) -> None:
    """Let this process see nothing in a folder but some paths. Raises OSError."""
    if _libc is None or _libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    os.umask(0o022)
    # Opened before they are hidden.
    held = {path: os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for path in paths}
    _mount("tmpfs", str(folder), "tmpfs", 0, "mode=0755,size=64k")
    for path in sorted(held):
        path.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{held[path]}", str(path), "", MS_BIND | MS_REC)
        os.close(held[path])


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    assert _libc is not None
    arguments = (os.fsencode(text) for text in (source, target, kind))
    if _libc.mount(*arguments, ctypes.c_ulong(flags), os.fsencode(data)):
        raise OSError(ctypes.get_errno(), f"mount {target}")
