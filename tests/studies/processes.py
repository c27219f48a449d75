"""Processes of the project beside a test, on the test's own servers."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """The environment of a process that uses this test's database and queue."""
    at = connection.settings_dict
    host = at.get("OPTIONS", {}).get("host") or at["HOST"]
    user = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    place = f"{quote(at['NAME'])}?host={quote(host, safe='')}"
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{user}@:{at['PORT'] or 5432}/{place}",
        "REDIS_URL": settings.REDIS_URL,
        "DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "annotation.settings",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def start(transactional_db) -> Iterator:
    """A function that starts a process on this test's servers; all are gone afterwards."""
    running: list[subprocess.Popen] = []

    def begin(*argv: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, *argv],
            env=environment(),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        print(process.communicate()[1])  # pytest shows it where a test has failed


def free_port() -> int:
    """A port that is free, and that the system gives to nobody who asks for just any port."""
    ports = random.SystemRandom().sample(range(15_000, 32_000), 100)
    for port in ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError(f"none of {len(ports)} ports is free")


def until(condition, seconds: float = 120.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def lose_queue() -> None:
    """Empty the queue; a worker would do first what earlier tests left in it."""
    Redis.from_url(settings.REDIS_URL).flushall()
