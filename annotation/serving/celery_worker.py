"""A Celery worker for a command that needs the queue emptied, if none is running."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from django.conf import settings

from annotation.celery import app
from annotation.serving.dropped import as_account, dropped
from annotation.serving.embedded.processes import dies_with_parent

QUEUES = "default,gpu"


def is_running() -> bool:
    """Whether any Celery worker answers on the queue."""
    return bool(app.control.ping(timeout=0.5))


@contextlib.contextmanager
def celery_worker(patience: float = 60.0) -> Iterator[None]:
    """Use the running worker, or start one for the duration of the block.

    Raises RuntimeError, naming its log, if it is not ready within `patience` seconds.
    """
    if is_running():
        yield
        return
    log = settings.DATA_DIR / "log" / "celery.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    account, _ = dropped()
    command = [sys.executable, "-m", "celery", "-A", "annotation", "worker"]
    command += ["--pool", "solo", "--queues", QUEUES, "--loglevel", "INFO"]
    with log.open("ab") as output:
        since = output.tell()
        worker = subprocess.Popen(
            [*command, "--hostname", f"command-{os.getpid()}@%h"],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            **as_account(account, os.environ, dies_with_parent(signal.SIGTERM)),
        )
    try:
        deadline = time.monotonic() + patience
        # Not by a ping: the worker may already be busy with a job that an earlier one left.
        while b" ready." not in log.read_bytes()[since:]:
            if worker.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the Celery worker did not start; its log is {log}")
            time.sleep(0.1)
        yield
    finally:
        worker.terminate()
        try:
            worker.wait(timeout=20)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
