"""The site's web server, for a command that uses its pages: the running one, or its own.

`up` writes the address that it serves with `announced`. Commands use it only if the site at that
address identifies itself as this one: another site may have taken the port since.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
from django.conf import settings
from django.db import connection

from annotation.serving.dropped import as_account, dropped
from annotation.serving.embedded.paths import DATABASE
from annotation.serving.embedded.processes import dies_with_parent
from annotation.site_pages import site_id

USUAL = "http://127.0.0.1:8000"  # where `up` serves the site unless it is told otherwise


def port_number(least: int = 1, most: int = 65535) -> Callable[[str], int]:
    """The type of a command's option that names a port."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,5}", text) or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is no port: give a number from {least} to {most}")
        return int(text)

    return read


def url_file() -> Path:
    """The file to which `up` writes the address of the site that it serves."""
    return settings.DATA_DIR / "run" / "web.url"


@contextlib.contextmanager
def announced(address: str) -> Iterator[None]:
    """Let other commands find the site at `address` for the duration of the block."""
    file = url_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(address + "\n")
    new.replace(file)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if file.read_text().strip() == address:
                file.unlink()


def served_address() -> str | None:
    """The address at which `up` serves this site now, else None."""
    try:
        address = url_file().read_text().strip()
    except OSError:
        return None
    return address if address and _is_this_site(address) else None


def public_address() -> str | None:
    """Where workers reach the site, as a command knows it: PUBLIC_URL, or where `up` serves it."""
    return settings.PUBLIC_URL or served_address()


def _is_this_site(address: str) -> bool:
    try:
        answer = httpx.get(f"{address}/healthz", timeout=5, trust_env=False)
        return answer.status_code == 200 and answer.json().get("site") == site_id()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


@contextlib.contextmanager
def web_server(
    patience: float = 60.0, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The site's base address: of the server that `up` runs, or of one that ends with the block.

    With an `environment` always starts a server, with these variables added. Raises RuntimeError,
    naming its log, if the server it starts does not answer in `patience` seconds.
    """
    if environment is None and (address := served_address()):
        yield address
        return
    log = settings.DATA_DIR / "log" / "web.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    account, _ = dropped()
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("ab") as output:
        # Handed over open, so that no other program can take the port in between.
        number = listener.fileno()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "gunicorn", "-c", "python:annotation.gunicorn_config"]
        command += ["--bind", f"fd://{number}"]
        server = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            pass_fds=[number],
            cwd=settings.BASE_DIR,
            start_new_session=True,  # Ctrl-C reaches the command alone, which ends the server
            **as_account(
                account,
                _environment() | dict(environment or {}),
                dies_with_parent(signal.SIGTERM),
            ),
        )
    try:
        deadline = time.monotonic() + patience
        while not _is_this_site(address):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the web server did not start; its log is {log}")
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _environment() -> dict[str, str]:
    """This process's environment, with the database that it uses (in a test, the test's)."""
    own = os.environ | {"DATA_DIR": str(settings.DATA_DIR)}
    if settings.EMBEDDED_DATABASE and connection.settings_dict["NAME"] == DATABASE:
        return own
    return own | {"DATABASE_URL": _database_url(), "REDIS_URL": settings.REDIS_URL}


def _database_url() -> str:
    current = connection.settings_dict
    user = quote(current["USER"], safe="")
    if current["PASSWORD"]:
        user += ":" + quote(current["PASSWORD"], safe="")
    host = quote(current["HOST"], safe="") + (f":{current['PORT']}" if current["PORT"] else "")
    options = {k: v for k, v in current.get("OPTIONS", {}).items() if isinstance(v, str | int)}
    query = f"?{urlencode(options)}" if options else ""
    return f"postgres://{user}@{host}/{quote(current['NAME'], safe='')}{query}"
