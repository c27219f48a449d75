"""A command uses the running web server, or starts its own and stops it."""

import http.server
import os
import signal
import subprocess
import sys
import threading

import httpx
import pytest
from django.conf import settings

from annotation.serving.embedded.processes import wait_until
from annotation.serving.web import announced, served_address, url_file, web_server


def ignore_interrupts() -> None:
    """As a shell starts the background jobs of a script."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.django_db(transaction=True)
def test_the_running_site_is_used(live_server):
    with announced(live_server.url), web_server() as address:
        assert address == live_server.url
    assert not url_file().exists()


def test_an_address_where_nobody_or_another_site_answers_is_not_believed():
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok", "site": "another"}')

        def log_message(self, *args):
            pass

    other = http.server.HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    for address in ("http://127.0.0.1:9", f"http://127.0.0.1:{other.server_port}", "nonsense", ""):
        with announced(address):
            assert served_address() is None
    other.shutdown()
    other.server_close()


@pytest.mark.django_db(transaction=True)
def test_an_own_server_serves_this_database_and_ends_with_the_block():
    with web_server() as address:
        assert httpx.get(f"{address}/readyz", trust_env=False).json()["status"] == "ok"
    assert not answers(address)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_an_own_server_ends_with_its_command(signum):
    script = """
import time, django
django.setup()
from annotation.serving.embedded.processes import heed_interrupts
from annotation.serving.web import web_server
heed_interrupts()  # as every command does
with web_server() as address:
    print(address, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "annotation.settings"},
        preexec_fn=ignore_interrupts,
    ) as command:
        address = command.stdout.readline().strip()
        assert answers(address)
        command.send_signal(signum)
        command.wait(timeout=30)
        assert wait_until(lambda: not answers(address), seconds=15)
