"""The project's nginx in front of a site on this machine, for tests and benchmarks."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONFIGURATION = Path(__file__).resolve().parents[2] / "annotation" / "serving" / "nginx.conf"
NO_NGINX = "nginx was not found: the tests behind it were not run"
# What an account without rights, or a second nginx on one machine, needs.
FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def program() -> str | None:
    """The installed nginx; Debian keeps it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def configured(
    text: str, port: int, site: str, folder: Path, patience: int, certificate: Path | None
) -> str:
    """The project's configuration, on another port, before `site` (HOST:PORT), in a folder.

    `certificate`: a file of it and its key, by which nginx serves https.
    """
    listen = f"listen 127.0.0.1:{port};"
    if certificate is not None:
        tls = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};"
        listen = f"listen 127.0.0.1:{port} ssl; {tls}"
    temporary = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in FOLDERS)
    for old, new in (
        ("listen 80;", listen),
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
def in_front_of(address: str, patience: int = 10, certificate: Path | None = None) -> Iterator[str]:
    """The address at which nginx serves the site at `address`, by https with a `certificate`.

    `patience`: seconds that it gives a client for a head, or between two parts of a body.
    """
    with tempfile.TemporaryDirectory(prefix="second-look-nginx-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # for the account of nginx's workers
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        file = folder / "nginx.conf"
        site = urlsplit(address).netloc
        text = CONFIGURATION.read_text()
        file.write_text(configured(text, port, site, folder, patience, certificate))
        nginx = program()
        assert nginx is not None
        process = subprocess.Popen(
            [nginx, "-p", place, "-c", str(file), "-e", f"{place}/error.log", "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait(process, port, folder / "error.log")
            yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def need() -> None:
    """Skip the test, or fail it where REQUIRE_NGINX=1, if nginx is not installed."""
    if program() is None:
        (pytest.fail if os.environ.get("REQUIRE_NGINX") == "1" else pytest.skip)(NO_NGINX)


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1, which vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Second Look, a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nginx did not start: {log.read_text() if log.exists() else ''}")
        time.sleep(0.05)
