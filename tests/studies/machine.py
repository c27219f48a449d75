"""A machine as a user has it: a data directory of its own, and commands run in it as processes."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import psycopg2

from annotation.serving.embedded import database_url

ROOT = Path(__file__).resolve().parents[2]


class Machine:
    """A data directory of its own, and commands run in it as processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        } | {"DATA_DIR": str(folder / "data")}

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """Run a command to its end and return its standard output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def query(self, sql: str) -> list[tuple]:
        address = database_url(self.folder / "data")
        with contextlib.closing(psycopg2.connect(address)) as connection, connection.cursor() as c:
            c.execute(sql)
            return c.fetchall()
