"""The project's nginx in front of a site on this machine, for tests and benchmarks."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

CONFIGURATION = Path(__file__).resolve().parents[2] / "annotation" / "serving" / "nginx.conf"
# What an account without rights, or a second nginx on one machine, needs.
FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def program() -> str | None:
    """The installed nginx; Debian keeps it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def configured(text: str, port: int, site: str, folder: Path, patience: int) -> str:
    """The project's configuration, on another port, before `site` (HOST:PORT), in a folder."""
    temporary = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in FOLDERS)
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8000", site),
        ("http {\n", f"http {{\n{temporary}"),
        ("worker_rlimit_nofile 20000;", f"pid {folder}/nginx.pid;"),
        ("client_header_timeout 10s;", f"client_header_timeout {patience}s;"),
        ("client_body_timeout 10s;", f"client_body_timeout {patience}s;"),
        ("worker_connections 8000;", "worker_connections 500;"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def in_front_of(address: str, patience: int = 10) -> Iterator[str]:
    """The address at which nginx serves the site at `address`.

    `patience`: seconds that it gives a client for a head, or between two parts of a body.
    """
    with tempfile.TemporaryDirectory(prefix="second-look-nginx-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # for the account of nginx's workers
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        file = folder / "nginx.conf"
        site = urlsplit(address).netloc
        file.write_text(configured(CONFIGURATION.read_text(), port, site, folder, patience))
        nginx = program()
        assert nginx is not None
        process = subprocess.Popen(
            [nginx, "-p", place, "-c", str(file), "-e", f"{place}/error.log", "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait(process, port, folder / "error.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nginx did not start: {log.read_text() if log.exists() else ''}")
        time.sleep(0.05)
