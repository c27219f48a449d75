"""Whether this web process can store an answer, found out within a second."""

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from annotation.serving import heartbeats

LIMIT = 1.0  # seconds in which a probe must be done
FRESH = 1.0  # seconds for which its findings are shared
LEAST = 64 * 2**20  # free bytes under which a disk counts as full
PIECE = 64 * 2**10  # bytes: of the file that is written

Findings = dict[str, Any]


class Probe:
    """Named steps, run one after the other in a thread of their own.

    Anybody may ask as often as they like: one run at a time, whose findings are shared for a
    second, and nobody waits longer than a run's limit. A run that hangs is waited for no more.
    """

    def __init__(self, steps: Mapping[str, Callable[[], Any]]) -> None:
        self._steps = steps
        self._turn = threading.Lock()
        self._run = _Run()
        self._run.done.set()

    def start(self) -> "_Run":
        """The present run, begun now if the last one is over and no longer fresh."""
        with self._turn:
            if self._run.done.is_set() and time.monotonic() - self._run.begun > FRESH:
                self._run = _Run(time.monotonic())
                threading.Thread(target=self._run.go, args=[self._steps], daemon=True).start()
            return self._run


class _Run:
    def __init__(self, begun: float = float("-inf")) -> None:
        self.begun = begun
        self.done = threading.Event()
        self.step = ""
        self._findings: Findings = {}

    def go(self, steps: Mapping[str, Callable[[], Any]]) -> None:
        try:
            for self.step, look in steps.items():
                try:
                    self._findings[self.step] = look()
                except Exception as error:  # whatever a driver raises is what the probe reports
                    self._findings[self.step] = type(error).__name__
        finally:
            connection.close()
            self.done.set()

    def findings(self) -> Findings:
        """What each step found; a step that has run over the limit, that it does not answer."""
        if self.done.wait(max(self.begun + LIMIT - time.monotonic(), 0)):
            return self._findings
        return dict(self._findings) | {self.step: f"does not answer within {LIMIT:.0f} s"}


def _database_trouble() -> str:
    """Commits a row of an answer's size and its removal."""
    with transaction.atomic(), connection.cursor() as cursor:
        key = f"readyz-{secrets.token_hex(8)}"
        cursor.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date)"
            " VALUES (%s, %s, now())",
            [key, secrets.token_hex(4096)],
        )
        cursor.execute("DELETE FROM django_session WHERE session_key = %s", [key])
    return ""


_applied = False  # nobody reverts migrations under a running process


def _migrations_trouble() -> str:
    global _applied
    if _applied:
        return ""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _applied = not plan
    return "" if _applied else f"{len(plan)} not applied (run: manage.py migrate)"


def _disk_trouble() -> str:
    """Looks at the disks of DATA_DIR and of an embedded database, and writes a file."""
    folder = settings.DATA_DIR / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    places = [folder]
    if settings.EMBEDDED_DATABASE:
        places.append(Path(os.path.realpath(settings.DATA_DIR / "postgres")).parent)
    free = min(shutil.disk_usage(place).free for place in places)
    if free < LEAST:
        return f"full: {free // 2**20} MB are left"
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * PIECE)
        file.flush()
    return ""


storing = Probe(
    {"disk": _disk_trouble, "database": _database_trouble, "migrations": _migrations_trouble}
)
helping = Probe({"queue": heartbeats.ages})


def readiness() -> tuple[dict[str, str], dict[str, str], dict[str, int | None]]:
    """What keeps an answer from being stored, what else is missing, seconds since signs of life."""
    runs = storing.start(), helping.start()
    missing = {name: trouble for name, trouble in runs[0].findings().items() if trouble}
    signs = runs[1].findings()["queue"]
    if isinstance(signs, str):
        return missing, {"queue": signs}, {}
    helpers = {
        name: "never heard of" if age is None else f"silent for {age} s"
        for name, age in signs.items()
        if age is None or age > heartbeats.LATE
    }
    return missing, helpers, signs
