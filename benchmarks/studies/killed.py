"""Programs that are kept running, and what kills them and the servers at random moments."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
SERVERS_REST = 15.0  # seconds between two kills of servers: the keeper gives up after six a minute
PATIENCE = 180.0  # seconds for a command, however often it is killed
SPREAD = 3  # kills that a victim may be ahead of the one that was killed least
PUBLISHING, PEOPLE, SYNCING = "publishing", "people work", "syncing"
# Whom to kill by what the study does: whoever is at work then.
AT_WORK = {
    PUBLISHING: ("publish", "postgres", "valkey"),
    PEOPLE: ("web", "postgres", "valkey"),
    SYNCING: ("sync", "worker", "postgres", "valkey"),
}
VICTIMS = sorted({name for names in AT_WORK.values() for name in names})
CALLERS = ("publish", "sync", "worker")  # of the marketplace
# Until when a kill comes: seconds from the first call of a command, or, where none is heard, from
# its start, which takes some itself.
SOON, LATER = 3.0, 6.0


class Program:
    """A process that `keep` starts again whenever it has ended."""

    def __init__(self, name: str, command: list[str], log: Path, pass_fds=()) -> None:
        self.name, self.command, self.pass_fds = name, command, pass_fds
        self.log = log / f"{name}.log"
        self.process: subprocess.Popen | None = None
        self._turn = threading.Lock()  # two threads must not both start it

    def keep(self) -> None:
        with self._turn:
            if self.process is None or self.process.poll() is not None:
                with self.log.open("ab") as output:
                    self.process = subprocess.Popen(
                        self.command,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        cwd=ROOT,
                        pass_fds=self.pass_fds,
                        start_new_session=True,
                    )

    def kill(self) -> bool:
        """Kill the process and its children at once; whether it was running."""
        if self.process is None or self.process.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return True

    def succeed(self, *words: str) -> None:
        """Run a command of manage.py until it succeeds, however often it is killed or fails."""
        self.command = [PYTHON, "manage.py", *words]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.keep()
            assert self.process is not None
            if self.process.wait() == 0:
                self.command = ["true"]
                return
            time.sleep(0.3)
        raise SystemExit(f"{' '.join(words)} does not succeed: see {self.log}")


class Chaos(threading.Thread):
    """Kills whoever is at work, by turns and at random moments, until there were enough kills."""

    def __init__(
        self,
        programs: dict[str, Program],
        data_dir: Path,
        rounds: int,
        seed: int,
        calls: Callable[[], tuple[int, str]],
    ) -> None:
        """`calls`: how many calls the marketplace has heard, and the last one; 0: it has no API."""
        super().__init__(daemon=True)
        self.programs, self.data_dir, self.rounds, self.calls = programs, data_dir, rounds, calls
        self.rng = random.Random(seed)
        self.killed: Counter[str] = Counter(dict.fromkeys(VICTIMS, 0))
        self.while_doing: Counter[tuple[str, str]] = Counter()
        self.over = threading.Event()
        self.doing, self._heard = "", 0
        self._turn = threading.Lock()
        self._last = -SERVERS_REST  # when a server was killed

    @contextlib.contextmanager
    def during(self, doing: str) -> Iterator[None]:
        """The study does this within the block, in which somebody is killed once at most.

        So kills are spread over all of a study, and over several. Outside of any nobody is killed.
        """
        self._heard, _ = self.calls()
        self.doing = doing
        try:
            yield
        finally:
            with self._turn:
                self.doing = ""

    def run(self) -> None:
        while self.killed.total() < self.rounds and not self.over.is_set():
            time.sleep(self.rng.uniform(0, 0.5))
            doing = self.doing
            if (victim := self._victim(doing)) is None:
                continue
            if not self._is_in_the_middle(doing):
                continue
            _, call = self.calls()
            with self._turn:
                if self.doing == doing and self._kill(victim):
                    self.doing = ""
                    self.killed[victim] += 1
                    self.while_doing[victim, call if victim in CALLERS and call else doing] += 1
            for program in self.programs.values():
                program.keep()

    def _victim(self, doing: str) -> str | None:
        least = min(self.killed.values())
        names = [n for n in AT_WORK.get(doing, ()) if self.killed[n] <= least + SPREAD]
        if time.monotonic() - self._last < SERVERS_REST:
            names = [name for name in names if name in self.programs]
        few = min((self.killed[name] for name in names), default=0)
        names = [name for name in names if self.killed[name] == few]
        return self.rng.choice(names) if names else None

    def _is_in_the_middle(self, doing: str) -> bool:
        """Wait for a moment in the middle of what the study does; False: it is over."""
        calls = doing != PEOPLE
        while calls and self._heard and self.calls()[0] == self._heard:
            if self.doing != doing:
                return False
            time.sleep(0.02)
        time.sleep(self.rng.uniform(0, LATER if calls and not self._heard else SOON))
        return self.doing == doing

    def _kill(self, victim: str) -> bool:
        if victim in self.programs:
            return self.programs[victim].kill()
        self._last = time.monotonic()
        return self._kill_server(victim)

    def _kill_server(self, name: str) -> bool:
        from annotation.serving.embedded.paths import paths_of

        folders = str(paths_of(self.data_dir).sockets), str(self.data_dir)
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if (
                command
                and name in Path(command[0]).name
                and any(folder in part for part in command for folder in folders)
            ):
                with contextlib.suppress(psutil.Error):
                    process.kill()
                    return True
        return False

    def told(self) -> str:
        """How often each was killed, and while it did what."""
        lines = []
        for victim, number in self.killed.items():
            doing = [(what, n) for (who, what), n in self.while_doing.items() if who == victim]
            parts = ", ".join(f"{what} {n}" for what, n in sorted(doing, key=lambda p: -p[1]))
            lines.append(f"  {victim} {number}: {parts}")
        return "\n".join(lines)
