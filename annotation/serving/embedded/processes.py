"""Processes that die with their parent, and finding those an earlier keeper left behind."""

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
    """A `preexec_fn` by which the kernel sends the child `signum` when its parent ends.

    The kernel looks at the parent's *thread*: start such children from one that stays, the
    main thread. It also forgets the wish when the user changes, so this runs after setuid.
    """
    parent = parent or os.getpid()

    def ask_the_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
            if os.getppid() != parent:  # it ended before we could ask
                os._exit(1)

    return ask_the_kernel


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, so that they can be ended too."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[psutil.Process]:
    """Direct children of this process, adopted ones included."""
    return psutil.Process().children()


def find_servers(name: str, path: str, folder: str | None = None) -> list[psutil.Process]:
    """Running programs called `name` that serve us, and nobody else.

    Proof is a process's own command line holding `path`, one of ours, or its working
    directory being `folder`: never a number read from a file, which may be recycled.
    """
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != name:
            continue
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if path in words or any(word.endswith(f":{path}") for word in words):
                found.append(process)
                continue
        with contextlib.suppress(psutil.Error):
            if folder is not None and process.cwd() == folder:
                found.append(process)
    return found


def end(processes: Iterable[psutil.Process], signals: Iterable[tuple[int, float]]) -> None:
    """Send each signal in turn, with so many seconds to end by itself before the next."""
    left = list(processes)
    for signum, patience in signals:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.Signals(signum))
        left = psutil.wait_procs(left, timeout=patience)[1]
        if not left:
            return


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Poll `condition`; False if it was not met in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
