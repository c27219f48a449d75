"""Ends a worker whose network never answers, or whose job was cancelled and does not stop.

No thread can be ended from outside, so the worker's process is. Celery starts another and delivers
the task again, which finds in the job's row that nobody is to take it up.
"""

import faulthandler
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.models import QuerySet
from django.utils import timezone

from models_inference.models import InferenceJob, Trial

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks at the job's row
GRACE = 5.0  # seconds in which a cancelled run may finish the batch that it has begun
STDERR = 2  # its number: Celery replaces sys.stderr
BACKSTOP = 30.0  # seconds beyond the limit, after which C ends a process that keeps Python's lock


class Stopped(Exception):
    """The job was cancelled or given up: its row says why."""


class Watchdog:
    """Watches a run of a job or trial (a queryset of its row) until the block ends.

    The run must say `alive` at least every INFERENCE_MINUTES.
    """

    def __init__(self, row: QuerySet[InferenceJob] | QuerySet[Trial]) -> None:
        self._row = row
        self._limit = settings.INFERENCE_MINUTES * 60
        self._alive_at = time.monotonic()
        self._stopped_at: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        self.alive()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def alive(self, *progress: Any) -> None:
        """Take note that the run goes on. Raises Stopped if it should not."""
        if self._stopped_at is not None:
            raise Stopped
        self._alive_at = time.monotonic()
        faulthandler.dump_traceback_later(self._limit + BACKSTOP, exit=True, file=STDERR)

    def _watch(self) -> None:
        try:
            while not self._over.wait(LOOK):
                now = time.monotonic()
                if now - self._alive_at > self._limit:
                    self._give_up()
                elif self._stopped_at is None:
                    self._stopped_at = now if self._is_stopped() else None
                elif now - self._stopped_at > GRACE:
                    _end_process("its job was cancelled")
        finally:
            connection.close()

    def _is_stopped(self) -> bool:
        try:
            return self._row.filter(stopped_at__isnull=False).exists()
        except Error:  # the database is away for a moment
            connection.close()
            return False

    def _give_up(self) -> None:
        minutes = f"{settings.INFERENCE_MINUTES:g} minutes"
        why = f"A network gave no answer for {minutes}: does its program ever end?"
        now = timezone.now()
        with suppress(Error):
            self._row.update(error=why, stopped_at=now, finished_at=now)
        _end_process(why)


def _end_process(why: str) -> None:
    log.error("This worker's process ends: %s", why)
    os.kill(os.getpid(), signal.SIGKILL)
