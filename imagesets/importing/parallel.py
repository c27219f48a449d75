"""Runs a function over an import's files on all cores."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from imagesets.importing.sources import Entry

T = TypeVar("T")
REMOTE = 32  # requests at once: as many as the S3 client keeps connections


def in_parallel(
    function: Callable[[Entry, Callable[[], bytes]], T],
    items: Iterable[tuple[Entry, Callable[[], bytes]]],
    remote: bool = False,
) -> Iterator[T]:
    """function(*item) for each item, in order, on all cores; few items are in memory at once.

    Threads do, as Pillow, hashing and reading release Python's lock. `remote`: reading an item
    is mostly waiting for a network, so more items are read at once.
    """
    threads = REMOTE if remote else max(4, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        waiting: deque[Future[T]] = deque()
        for item in items:
            waiting.append(pool.submit(function, *item))
            if len(waiting) >= 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
