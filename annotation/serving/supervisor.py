"""Watches child processes, starts them again when they fail, and stops them in order."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotation.serving.dropped import Dropped, as_account
from annotation.serving.embedded.processes import dies_with_parent

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STEADY = 60.0  # seconds of life after which a failure counts as the first one again


@dataclass
class Child:
    """One program; `stops` are the signals that end it, each with the seconds to wait."""

    name: str
    command: Sequence[str]
    stops: Sequence[tuple[int, float]] = ((signal.SIGTERM, 10.0),)
    pass_fds: Sequence[int] = ()
    account: Dropped | None = None
    process: subprocess.Popen[str] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    pause: float = field(default=FIRST_PAUSE, init=False)
    start_again_at: float | None = field(default=None, init=False)

    def start(self, folder: Path, say: Callable[[str, str], None]) -> None:
        """Start it, with output to `say(name, line)`. Main thread only: see dies_with_parent."""
        self.start_again_at = None
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            pass_fds=self.pass_fds,
            start_new_session=True,  # Ctrl-C reaches us alone; its group holds its children
            **as_account(
                self.account,
                os.environ | {"PYTHONUNBUFFERED": "1"},
                dies_with_parent(signal.SIGKILL),
            ),
        )
        threading.Thread(target=self._pass_on, args=[self.process, say], daemon=True).start()

    def _pass_on(self, process: subprocess.Popen[str], say: Callable[[str, str], None]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if line.strip():
                    say(self.name, line.rstrip())

    def exit_code(self) -> int | None:
        """Its exit code if it has ended."""
        return None if self.process is None else self.process.poll()

    def clear_group(self) -> None:
        """Kill the processes it left behind: while any lives, its pid is still their group's."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Runs children until `stop`."""

    def __init__(
        self, children: Sequence[Child], folder: Path, say: Callable[[str, str], None]
    ) -> None:
        self.children = children
        self.folder = folder
        self.say = say

    def start(self) -> None:
        for child in self.children:
            child.start(self.folder, self.say)

    def watch(self) -> None:
        """Look once: start failed children again, after a pause that doubles with each failure."""
        now = time.monotonic()
        for child in self.children:
            if child.start_again_at is not None:
                if now >= child.start_again_at:
                    child.start(self.folder, self.say)
            elif (code := child.exit_code()) is not None:
                child.clear_group()
                if now - child.started > STEADY:
                    child.pause = FIRST_PAUSE
                child.start_again_at = now + child.pause
                self.say(
                    child.name, f"ended unexpectedly ({_how(code)}), again in {child.pause:.0f} s"
                )
                child.pause = min(2 * child.pause, LONGEST_PAUSE)

    def stop(self) -> None:
        """Signal each child in order, then wait; send the next signal when its time is over."""
        alive = [child for child in self.children if child.process is not None]
        for child in alive:
            _signal(child, child.stops[0][0])
        begun = time.monotonic()
        for child in alive:
            assert child.process is not None
            deadline = begun
            for (_, patience), following in zip(
                child.stops, [*child.stops[1:], (signal.SIGKILL, 0.0)], strict=True
            ):
                deadline += patience
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, deadline - time.monotonic()))
                    break
                _signal(child, following[0])
            child.process.wait()
            child.clear_group()

    def kill(self) -> None:
        for child in self.children:
            child.clear_group()


def _signal(child: Child, signum: int) -> None:
    if child.process is not None and child.process.poll() is None:
        child.process.send_signal(signum)


def _how(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
