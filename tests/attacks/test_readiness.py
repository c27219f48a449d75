"""/readyz tells the truth within a second, whatever hangs, and is no way to stop the site."""

import os
import signal
import subprocess
import threading
import time
from collections import namedtuple
from collections.abc import Iterator

import pytest
from django.conf import settings as given

from annotation.serving import readiness
from annotation.serving.readiness import Probe
from tests.studies.embedded_servers import the


@pytest.fixture(autouse=True)
def anew(monkeypatch) -> None:
    """No findings of an earlier test are fresh."""
    for name in ("storing", "helping"):
        monkeypatch.setattr(readiness, name, Probe(getattr(readiness, name)._steps))


def asked(client, page: str = "/readyz") -> tuple[int, dict, float]:
    started = time.monotonic()
    answer = client.get(page)
    return answer.status_code, answer.json(), time.monotonic() - started


@pytest.mark.skipif(not given.EMBEDDED_SERVERS, reason="stops an embedded server")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_server_that_hangs_does_not_hang_the_probe(client, name: str) -> None:
    assert client.get("/healthz").status_code == 200  # all is loaded
    server = the(name, given.DATA_DIR)
    server.send_signal(signal.SIGSTOP)
    try:
        status, answer, seconds = asked(client, "/readyz?all=1")
        assert status == 503
        assert ("database" if name == "postgres" else "queue") in answer["missing"]
        assert seconds < 1.5
        # Who asks while it still hangs is not kept waiting, and starts nothing more.
        threads = threading.active_count()
        assert asked(client)[2] < 0.6
        assert threading.active_count() <= threads
        assert asked(client)[0] == (503 if name == "postgres" else 200)
    finally:
        server.send_signal(signal.SIGCONT)


Disk = namedtuple("Disk", "total used free")


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_not_ready(client, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: Disk(10**12, 10**12, 3 * 2**20))
    status, answer, _ = asked(client)
    assert (status, answer["missing"]) == (503, {"disk": "full: 3 MB are left"})


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[None]:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", tmp_path])
    if done.returncode:
        pytest.skip("no file system can be mounted by this account")
    yield
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="mounts a file system")
@pytest.mark.django_db(transaction=True)
def test_a_disk_that_takes_no_file_is_not_ready(
    client, settings, monkeypatch, tmp_path, tiny_disk
) -> None:
    """Whatever it says of its free space."""
    monkeypatch.setattr(readiness, "LEAST", 0)
    settings.DATA_DIR = tmp_path
    status, answer, _ = asked(client)
    assert (status, answer["missing"]) == (503, {"disk": "OSError"})


def test_a_thousand_askers_start_one_probe() -> None:
    runs = []
    gate = threading.Event()
    probe = Probe({"step": lambda: runs.append(1) or (gate.wait(5) and "")})
    started = time.monotonic()
    findings = [probe.start().findings() for _ in range(1000)]
    assert time.monotonic() - started < 1.5
    assert set(map(str, findings)) == {"{'step': 'does not answer within 1 s'}"}
    gate.set()
    assert runs == [1]
