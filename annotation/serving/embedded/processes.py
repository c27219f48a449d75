"""Signals between parents and children, and finding processes an earlier keeper left behind."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with_parent(signum: int, parent: int | None = None) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send the child `signum` when its parent ends.

    The kernel watches the parent's *thread*: start such children from one that stays, the main
    thread. It also forgets the request when the user changes, so this runs after setuid.
    """
    parent = parent or os.getpid()

    def ask_the_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
            if os.getppid() != parent:  # it ended before the request
                os._exit(1)

    return ask_the_kernel


def heed_interrupts() -> None:
    """Let SIGINT end this process again, if it was started with SIGINT ignored.

    A shell starts background jobs of a script so, and children inherit it: neither the command nor
    the programs it starts could then be stopped by this signal.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, to be able to end them too."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[psutil.Process]:
    """Direct children of this process, adopted ones included."""
    return psutil.Process().children()


def find_servers(name: str, path: str, folder: str | None = None) -> list[psutil.Process]:
    """Running programs called `name` that belong to this DATA_DIR.

    The proof is that a process's command line holds `path`, or that it works in `folder`: never a
    pid read from a file, which may have been recycled.
    """
    servers = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != name:
            continue
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if path in words or any(word.endswith(f":{path}") for word in words):
                servers.append(process)
                continue
        with contextlib.suppress(psutil.Error):
            if folder is not None and process.cwd() == folder:
                servers.append(process)
    return servers


def end(processes: Iterable[psutil.Process], signals: Iterable[tuple[int, float]]) -> None:
    """Send each signal in turn, waiting up to its seconds for the processes to end."""
    alive = list(processes)
    for signum, patience in signals:
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.Signals(signum))
        alive = psutil.wait_procs(alive, timeout=patience)[1]
        if not alive:
            return


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Poll `condition`; False if it was not met in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
