"""Gunicorn's settings: `gunicorn -c python:annotation.gunicorn_config`."""

import gc
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from annotation.serving.embedded.processes import dies_with_parent
from annotation.serving.production import unencrypted

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
try:
    workers = settings.WEB_CONCURRENCY
    threads = settings.WEB_THREADS
except ImproperlyConfigured as error:  # one line, where each worker would show a traceback
    sys.exit(f"Error: {error}")

wsgi_app = "annotation.wsgi"
preload_app = True  # imported once; its processes share the memory
worker_class = "gthread"  # a slow phone occupies one thread, not a process
graceful_timeout = 5
timeout = 120
loglevel = "warning"
control_socket_disable = True
# What a proxy may say, TRUSTED_PROXIES decides (annotation.serving.proxies), not gunicorn.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK):
    worker_tmp_dir = "/dev/shm"  # a heartbeat on a slow disk looks like a hung process

LINGER = 1.0  # seconds that a body which nobody reads is still taken in

_master = os.getpid()


def on_starting(server: Any) -> None:
    """Warn once, not in every process."""
    if warning := unencrypted(os.environ):
        server.log.warning(warning)


def post_fork(server: object, worker: object) -> None:
    """End with a killed master, so that the next start finds the port free."""
    dies_with_parent(signal.SIGKILL, parent=_master)()


def when_ready(server: object) -> None:
    """Keep all that is loaded by now out of the garbage collector, which pages would wait for."""
    gc.collect()
    gc.freeze()


def post_request(worker: object, request: object, environ: dict[str, Any], answer: object) -> None:
    """Throw away, for a moment, what is still being sent of a body that nobody read.

    A proxy in the middle of sending it would meet a closed connection, and tell its client "Bad
    gateway" in place of the answer. The last 64 KiB gunicorn throws away itself.
    """
    body = environ.get("wsgi.input")
    rest = getattr(getattr(body, "reader", None), "length", 0) - 2**16
    if rest <= 0 or body is None:
        return
    body.failed = True  # the connection ends
    ends = time.monotonic() + LINGER
    with suppress(OSError):
        while rest > 0:
            environ["gunicorn.socket"].settimeout(max(0, ends - time.monotonic()))
            rest -= len(environ["gunicorn.socket"].recv(2**16)) or rest
