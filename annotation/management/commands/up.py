"""up: runs everything on one machine: servers, migrations, web, Celery workers and beat."""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.serving.dropped import Dropped, dropped
from annotation.serving.embedded import EmbeddedError, Lease
from annotation.serving.embedded.lease import join
from annotation.serving.production import is_loopback, production_line
from annotation.serving.supervisor import Child, Supervisor
from annotation.serving.web import announced, port_number, served_address

NOT_HERE = {errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN}  # an address
LOOK = 0.2
SERVERS_PAUSE = 5.0
# Celery finishes running tasks on the first signal, gives them back to the queue on the second.
CELERY_STOPS = ((signal.SIGTERM, 10.0), (signal.SIGQUIT, 5.0))
COLOURS = {"web": "36", "default": "32", "gpu": "33", "beat": "35", "up": "1"}


class Command(BaseCommand):
    help = "Run everything on this machine: database, queue, web, workers, schedule. Ctrl-C stops."
    requires_system_checks = []  # run by the tests; a warning would hide our one error line

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=port_number(), default=8000, help="of the web server (default: 8000)"
        )
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help="address to listen on (default: this machine alone); 0.0.0.0: the whole network",
        )

    def handle(self, *args: Any, port: int, host: str, **options: Any) -> None:
        """Steps: signals, one `up` per DATA_DIR, the port, migrations, children, watch, stop."""
        if not settings.PRODUCTION and not is_loopback(host):
            raise CommandError(
                f"--host {host} lets other machines in, which needs production settings. Type:"
                f" {production_line(host, port, os.environ, sys.orig_argv)}"
            )
        signal.signal(signal.SIGTERM, _end_quietly)
        signal.signal(signal.SIGHUP, _end_quietly)
        self.writing = threading.Lock()
        with only_one(), listening(host, port) as listener:
            call_command("migrate", interactive=False, verbosity=0)
            # A browser cannot open 0.0.0.0.
            shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
            address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
            account, why = dropped()
            if why:
                self.say("up", f"web and workers run as root: {why}")
            supervisor = Supervisor(children(listener, account), settings.BASE_DIR, self.say)
            with announced(address), kept_servers(self.say) as servers:
                try:
                    supervisor.start()
                    self.watch(supervisor, servers, address)
                except KeyboardInterrupt:
                    sys.exit(130)
                finally:
                    _second_signal_kills(supervisor)
                    self.say("up", "stopping ...")
                    supervisor.stop()

    def watch(self, supervisor: Supervisor, servers: "Servers", address: str) -> None:
        """Watch until a signal ends this command."""
        announced_ready = False
        while True:
            supervisor.watch()
            servers.watch()
            if not announced_ready and served_address() == address:
                announced_ready = True
                public = settings.PUBLIC_URL
                others = f", for others at {public}/" if public not in ("", address) else ""
                self.say("up", f"Second Look is at {address}/{others} (Ctrl-C stops everything)")
            time.sleep(LOOK)

    def say(self, name: str, line: str) -> None:
        """Print one line under its name; carry on if the terminal has gone."""
        prefix = f"{name:7} | "
        if self.stdout.isatty():
            prefix = f"\033[{COLOURS.get(name, '0')}m{prefix}\033[0m"
        with self.writing, contextlib.suppress(OSError, ValueError):
            self.stdout.write(f"{prefix}{line}")
            self.stdout.flush()


class Servers:
    """The embedded servers while `up` runs: starts them again if their keeper dies."""

    def __init__(self, lease: Lease | None, say: Any) -> None:
        self.lease = lease
        self.say = say
        self.next_try = 0.0

    def watch(self) -> None:
        if self.lease is None or not self.lease.lost or time.monotonic() < self.next_try:
            return
        self.say("up", "the embedded servers' keeper has gone: starting it again")
        try:
            self.lease = join(settings.DATA_DIR)
        except EmbeddedError as error:
            self.say("up", str(error))
            self.next_try = time.monotonic() + SERVERS_PAUSE


@contextlib.contextmanager
def kept_servers(say: Any) -> Iterator[Servers]:
    servers = Servers(join(settings.DATA_DIR) if settings.EMBEDDED_SERVERS else None, say)
    try:
        yield servers
    finally:
        if servers.lease is not None:
            servers.lease.leave()


def children(listener: socket.socket, account: Dropped | None) -> list[Child]:
    """The programs, in the order of stopping."""
    number = listener.fileno()
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:annotation.gunicorn_config"]
    celery = [sys.executable, "-W", "ignore:You're running the worker"]
    celery += ["-W", "ignore:An entry for the specified gid", "-m", "celery"]
    celery += ["--app", "annotation", "--quiet"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--without-mingle", "--without-gossip"]
    programs = [
        Child("web", [*gunicorn, "--bind", f"fd://{number}"], pass_fds=[number]),
        Child("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]),
        Child(
            "default",
            [*worker, "--queues", "default", "--hostname", "default@%h", "--concurrency", "2"],
            CELERY_STOPS,
        ),
        # One at a time: two inferences would compete for the GPU's memory, or for the cores.
        Child(
            "gpu",
            [*worker, "--queues", "gpu", "--hostname", "gpu@%h", "--concurrency", "1"],
            CELERY_STOPS,
        ),
    ]
    for program in programs:
        program.account = account
    return programs


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Refuse a second `up` on one DATA_DIR: its beat would queue every job twice."""
    folder = settings.DATA_DIR / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = served_address() or "starting, or under another name"
            raise CommandError(f"`up` already runs for {settings.DATA_DIR} ({where}).") from None
        yield


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """The open port, handed to gunicorn: no other program gets it while gunicorn restarts."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno in NOT_HERE:
            raise CommandError(
                f"--host {host} is no address of this machine: give one of its own, or leave"
                " --host away."
            ) from None
        raise CommandError(
            f"port {port} of {host} cannot be used ({os.strerror(error.errno or 0)}): "
            "stop what uses it, or choose another with --port."
        ) from None
    with listener:
        yield listener


def _end_quietly(*_: object) -> None:
    sys.exit(0)


def _second_signal_kills(supervisor: Supervisor) -> None:
    """Kill everything at a second signal; the first one stops it in order."""

    def kill(*_: object) -> None:
        supervisor.kill()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, kill)
