"""A command started with SIGINT ignored, like a script's background job, ends on its signals."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from tests.studies.embedded_servers import (
    PROJECT,
    assert_nothing_left,
    processes_of,
    the,
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def rehearse(folder: Path) -> subprocess.Popen[str]:
    """A running `rehearse`, which serves until a signal ends it, and its own embedded servers."""
    command = subprocess.Popen(
        [sys.executable, "manage.py", "rehearse", "--workers", "0", "--port", str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(folder)},
        preexec_fn=ignore_interrupts,
    )
    assert command.stdout is not None
    assert "The rehearsal of MTurk is at" in command.stdout.readline()
    return command


def test_a_command_ends_and_leaves_nothing(fresh: Path) -> None:
    for signum, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        command = rehearse(fresh)
        command.send_signal(signum)
        _, errors = command.communicate(timeout=60)
        assert (command.returncode, "Traceback" in errors) == (code, False)
        assert_nothing_left(fresh)


def test_its_keeper_ends_and_takes_the_servers_along(fresh: Path) -> None:
    command = rehearse(fresh)
    processes = processes_of(fresh)
    servers = processes["postgres"] + processes["valkey"]
    the("keeper", fresh).send_signal(signal.SIGINT)
    assert psutil.wait_procs(servers, timeout=60)[1] == []
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    assert_nothing_left(fresh)
