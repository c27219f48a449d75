"""The keeper: one process per DATA_DIR that starts both servers, watches them, and ends them.

It ends when its last client has gone. A client is an open connection, so that the keeper notices
even a killed client. The first client is the socket given as standard input; the others come by
the control socket. Each receives one line: `ready`, or `error` and what is wrong.
"""

import contextlib
import fcntl
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import processes
from .errors import EmbeddedError
from .paths import Paths, make_data_dir, make_socket_dir, paths_of
from .servers import Servers

TICK = 2.0
LOCK_PATIENCE = 120.0  # an earlier keeper may still be stopping, while Postgres writes to disk
SERVING_PATIENCE = 10.0  # a keeper that serves but cannot be reached will not end by itself


class Keeper:
    def __init__(self, paths: Paths, first: socket.socket, durable: bool) -> None:
        self.paths = paths
        self.durable = durable
        self.clients: set[socket.socket] = {first}
        self.listener: socket.socket | None = None
        self.selector = selectors.DefaultSelector()
        self.leaving: list[socket.socket] = []
        self.stop_asked = False
        self.lock = -1
        self.folder = -1  # until taken

    def run(self) -> None:
        """Steps: lock, listen, start the servers, serve until the last client leaves, stop."""
        with self.locked():
            servers = Servers(self.paths, self.durable)
            try:
                try:
                    self.take_socket_dir(servers.socket_group())
                    self.listen()
                    self.tell_all("listening")
                    servers.start()
                except (EmbeddedError, OSError) as error:
                    self.say(f"could not start: {error}")
                    self.accept_all()
                    self.tell_all(f"error {error}")
                    return
                self.say("serving")
                self.tell_all("ready")
                self.serve(servers)
            finally:
                self.state("stopping")
                self.close_listener()
                servers.stop()
                self.remove_sockets()
                self.say("stopped")
        # The last client waits for the end of this process, which closes its connection.

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this DATA_DIR, which the kernel frees even if the keeper is killed."""
        make_data_dir(self.paths)
        self.lock = os.open(self.paths.keeper_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        begun, serving_since = time.monotonic(), None
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pass
            now = time.monotonic()
            holder = os.pread(self.lock, 100, 0).decode(errors="replace").strip()
            serving_since = (serving_since or now) if holder.endswith("serving") else None
            if now - (serving_since or now) > SERVING_PATIENCE or now - begun > LOCK_PATIENCE:
                raise EmbeddedError(
                    f"a process out of reach (pid {holder.partition(' ')[0]}) holds the servers of "
                    f"{self.paths.data_dir}: stop the commands that use them"
                )
            time.sleep(0.05)
        self.state("serving")
        try:
            yield
        finally:
            os.close(self.lock)

    def take_socket_dir(self, gid: int | None) -> None:
        """Take the socket folder, once an earlier keeper has finished with it.

        The lock in DATA_DIR is not enough: DATA_DIR may have been removed under that keeper.
        """
        begun = time.monotonic()
        while time.monotonic() - begun < LOCK_PATIENCE:
            make_socket_dir(self.paths, gid)
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                folder = os.open(self.paths.sockets, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.path.samestat(os.fstat(folder), self.paths.sockets.stat()):
                        self.folder = folder
                        return
                finally:
                    if self.folder != folder:
                        os.close(folder)
            time.sleep(0.05)
        raise EmbeddedError(f"another process uses {self.paths.sockets}: stop it")

    def state(self, word: str) -> None:
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, f"{os.getpid()} {word}\n".encode(), 0)

    def listen(self) -> None:
        self.paths.control.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.paths.control))
        self.paths.control.chmod(0o600)
        self.listener.listen(128)
        self.listener.setblocking(False)

    def serve(self, servers: Servers) -> None:
        """Serve until the last client leaves or a signal asks the keeper to stop."""
        assert self.listener is not None
        waker = self.wake_on_signals()
        for source in (waker, self.listener, *self.clients):
            self.selector.register(source, selectors.EVENT_READ)
        while not self.stop_asked:
            for key, _ in self.selector.select(TICK):
                if key.fileobj is waker:
                    with contextlib.suppress(BlockingIOError):
                        waker.recv(4096)
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self.clients:
                    self.hear(key.fileobj)
            if not self.in_place():
                self.say("DATA_DIR or the socket folder was removed")
                return
            try:
                servers.restart_the_dead()
            except EmbeddedError as error:
                self.say(str(error))
                return
            for client in self.accept_all():
                self.selector.register(client, selectors.EVENT_READ)
                _send(client, "ready")
            if not self.clients:
                return
            for client in self.leaving:
                _send(client, "left")
                client.close()
            self.leaving.clear()

    def wake_on_signals(self) -> socket.socket:
        """Let signals, above all a child's end, interrupt the wait for clients."""
        waker, self.wakes = socket.socketpair()
        for end in (waker, self.wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(self.wakes.fileno(), warn_on_full_buffer=False)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self.ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return waker

    def hear(self, client: socket.socket) -> None:
        """A client sent `leave`, or closed its connection."""
        try:
            message = client.recv(4096)
        except OSError:
            message = b""
        self.selector.unregister(client)
        self.clients.discard(client)
        if message:
            self.leaving.append(client)  # if it is the last, it waits for the end
        else:
            client.close()

    def accept_all(self) -> list[socket.socket]:
        accepted = []
        while self.listener is not None:
            try:
                client, _ = self.listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                break
            self.clients.add(client)
            accepted.append(client)
        return accepted

    def tell_all(self, line: str) -> None:
        for client in self.clients:
            _send(client, line)

    def in_place(self) -> bool:
        """Whether a new client would still find this keeper's lock and socket folder."""
        try:
            return os.path.samestat(self.paths.keeper_lock.stat(), os.fstat(self.lock)) and (
                os.path.samestat(self.paths.sockets.lstat(), os.fstat(self.folder))
            )
        except OSError:
            return False

    def ask_to_stop(self, *_: object) -> None:
        self.stop_asked = True

    def close_listener(self) -> None:
        if self.listener is not None:
            if self.in_place():
                self.paths.control.unlink(missing_ok=True)
            self.listener.close()
            self.listener = None

    def remove_sockets(self) -> None:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(self.folder), self.paths.sockets.lstat()):
                shutil.rmtree(self.paths.sockets)

    def say(self, text: str) -> None:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        print(f"{when} [{os.getpid()}] {text}", file=sys.stderr, flush=True)


def _send(client: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):
        client.sendall(f"{line}\n".encode())


def main() -> None:
    """Run the keeper for the DATA_DIR on the command line; standard input is the first client."""
    os.umask(0o077)
    paths = paths_of(Path(sys.argv[1]))
    first = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    processes.heed_interrupts()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # during the start; later see `serve`
    try:
        Keeper(paths, first, "--not-durable" not in sys.argv[2:]).run()
    except (EmbeddedError, OSError) as error:
        _send(first, f"error {error}")
        sys.exit(1)
