"""`manage.py up` survives kills of any process and leaves nothing behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import settings

from annotation.serving.command_line import run
from annotation.serving.embedded.paths import HOMES, paths_of
from tests.studies.embedded_servers import eventually, processes_of, the
from tests.studies.processes import free_port

PROJECT = Path(__file__).resolve().parents[3]
CHILDREN = {
    "web": "gunicorn",
    "beat": "beat",
    "default": "default@%h",
    "gpu": "gpu@%h",
}


class Up:
    """`manage.py up` as a process, its output in a file."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.output = folder.parent / f"{folder.name}.{self.port}.out"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=environment(folder),
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def said(self) -> str:
        return self.output.read_text()

    def ready(self) -> "Up":
        try:
            eventually(lambda: f"Second Look is at {self.address}" in self.said(), 180)
        except AssertionError:
            raise AssertionError(self.said()) from None
        return self

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def child(self, name: str) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if any(CHILDREN[name] in argument for argument in child.cmdline()):
                    return child
        return None

    def ended(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.process.wait(60)


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"DATA_DIR": str(folder)}


def left(folder: Path) -> list[str]:
    """Processes of this folder's `up` or its servers, and its sockets."""
    place = paths_of(folder)
    leftovers = [str(place.sockets)] * place.sockets.exists()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            ours = process.environ().get("DATA_DIR") == str(folder)
            if ours or str(folder) in line or str(place.sockets) in line:
                leftovers.append(f"{process.pid} {line}")
    return leftovers


def assert_nothing_left(folder: Path) -> None:
    try:
        eventually(lambda: not left(folder))
    except AssertionError:
        raise AssertionError(left(folder)) from None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One DATA_DIR, with a space in it."""
    folder = tmp_path_factory.mktemp("a copy") / "var"
    yield folder
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("DATA_DIR") == str(folder):
                process.kill()
    for home in HOMES:
        for cluster in (home / "second-look").glob(f"{paths_of(folder).key}-*"):
            subprocess.run(["rm", "-rf", cluster], check=True)


@pytest.fixture(scope="module")
def up(folder: Path) -> Up:
    """The first one in that folder, which the last test kills."""
    return Up(folder).ready()


def refused(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(folder),
        timeout=180,
    )


def test_it_serves_and_a_second_one_is_refused(up: Up) -> None:
    assert eventually(up.answers)
    second = refused(up.folder, "--port", str(free_port()))
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"already runs for {up.folder} ({up.address[:-1]})" in second.stderr
    assert eventually(up.answers)


def test_killed_children_are_started_again(up: Up) -> None:
    killed = {name: eventually(lambda name=name: up.child(name)) for name in CHILDREN}
    grandchildren = [each for child in killed.values() for each in child.children(recursive=True)]
    for child in killed.values():
        child.kill()
    for name, child in killed.items():
        new = eventually(lambda name=name, old=child: (c := up.child(name)) and c != old and c)
        assert f"{name:7} | ended unexpectedly (SIGKILL)" in up.said()
        assert new.is_running()
    assert psutil.wait_procs(grandchildren, timeout=30)[1] == []
    assert eventually(up.answers)


def test_the_killed_keeper_is_started_again(up: Up) -> None:
    keeper = the("keeper", up.folder)
    keeper.kill()
    assert eventually(lambda: _keepers(up.folder) not in ([], [keeper]))
    assert eventually(up.answers)


def test_killed_and_interrupted(up: Up) -> None:
    """kill -9 of `up` takes everything with it; the next one works; Ctrl-C leaves nothing."""
    up.ended(signal.SIGKILL)
    assert_nothing_left(up.folder)
    second = Up(up.folder, up.port).ready()
    assert eventually(second.answers)
    os.killpg(second.process.pid, signal.SIGINT)  # what a terminal does
    assert second.process.wait(60) == 130
    assert_nothing_left(up.folder)
    assert "Traceback" not in up.said() + second.said()


@pytest.fixture
def up_here(servers: None, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable]:
    """Runs `up` in this process, where it must refuse: exit code and error."""
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield lambda *arguments: (run(["manage.py", "up", *arguments]), capfd.readouterr().err)
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


def test_a_port_in_use_is_one_line(up_here: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, error = up_here("--port", str(port))
    assert (code, error.count("\n")) == (1, 1)
    assert f"port {port} of 127.0.0.1 cannot be used (Address already in use)" in error


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_one_line(
    up_here: Callable, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(settings, "PRODUCTION", True)
    code, error = up_here("--host", host)
    assert code == 1
    assert error == (
        f"Error: --host {host} is no address of this machine: give one of its own, or leave --host"
        " away.\n"
    )


@pytest.mark.parametrize("port", ["web", "0", "70000"])
def test_what_is_no_port_is_wrong_usage(up_here: Callable, port: str) -> None:
    code, error = up_here("--port", port)
    assert (code, f"{port!r} is no port: give a number from 1 to 65535" in error) == (2, True)


def _keepers(folder: Path) -> list:
    return processes_of(folder)["keeper"]
