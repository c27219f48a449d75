"""The tables that migrations make, kept from one run to the next: loading them costs a quarter.

They are named by a hash of all that migrations are made of, so that a changed one runs again. The
real way, from nothing, is taken by the first run of a checkout and by every `up` in the tests.
"""

import contextlib
import hashlib
import os
import subprocess
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connections

from annotation.serving.embedded import binaries
from annotation.serving.embedded.paths import PORT, ROLE, paths_of

FOLDER = Path(__file__).resolve().parents[2] / "build" / "tables"
KEPT = "kept_tables"  # the database from which the test's own is copied


def load() -> None:
    """Let the test database be made from the kept tables, where there are any."""
    if not (file := _file()).exists():
        return
    _run("createdb", KEPT)
    if _run(
        "psql", "--dbname", KEPT, "-qX1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", file
    ):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = KEPT


def keep() -> None:
    """Keep the tables of the test database, which is new."""
    if (file := _file()).exists():
        return
    with contextlib.suppress(OSError):  # a checkout that only others may write to
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        if _run("pg_dump", "--file", part, connections["default"].settings_dict["NAME"]):
            for old in FOLDER.glob("*.sql"):
                old.unlink(missing_ok=True)
            part.replace(file)


def _file() -> Path:
    """Where the tables are kept that today's migrations, models and packages make."""
    told = hashlib.sha256()
    for app in sorted(apps.get_app_configs(), key=lambda app: app.name):
        folder = Path(app.path)
        for pattern in ("apps.py", "migrations/*.py", "models.py", "models/**/*.py"):
            for path in sorted(folder.glob(pattern)):
                told.update(f"{app.name} {path.name}".encode() + path.read_bytes())
    return FOLDER / f"{told.hexdigest()[:24]}.sql"


def _run(program: str, *arguments: str | Path) -> bool:
    """Run one of Postgres' programs on this run's server; whether it did what it should."""
    command = [binaries().psql.with_name(program), "--host", paths_of(settings.DATA_DIR).servers]
    command += ["--port", PORT, "--username", ROLE, *arguments]
    return subprocess.run(list(map(str, command))).returncode == 0
