"""Halves of an image's workers, twenty times over: what cross-fitted figures compare (rule T7)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

SPLITS = 20
LARGE = 200_000  # answers times splits from which a compiled loop is worth loading


def halves_of_images(image: Ints, seed: int) -> Bools:
    """(SPLITS, R): whether each response is in half A: the floor(m / 2) smallest draws of m.

    image (R,): of each response, ascending; responses in order of submission.
    """
    m = np.bincount(image)
    begin = np.cumsum(m) - m
    place = np.arange(image.size) - begin[image]
    result = np.zeros((SPLITS, image.size), bool)
    for split in range(SPLITS):
        draw = np.random.default_rng([seed, split]).random(image.size)
        result[split, np.lexsort([draw, image])] = place < m[image] // 2
    return result


def counts_of_halves(
    pair: Ints, cell: Ints, image: Ints, yes: Bools, n_pairs: int, seed: int
) -> NDArray[np.int32]:
    """(SPLITS, 2, P): how many workers of half A selected each pair, and were shown it.

    pair, cell, yes (A,): of each answer, in order of submission; a cell is a worker on an image,
    image (C,) the cell's. The halves of an image grow pair by pair, in the pairs' order: a worker
    who has a half keeps it; of the others, by rising draw, A takes as many as it lacks of
    floor(m / 2), B the rest.
    """
    first = np.empty(image.size, np.int32)
    first[cell[::-1]] = np.arange(cell.size, dtype=np.int32)[::-1]  # the last written is the first
    drawn = np.empty(image.size, np.int32)  # a draw for each cell: by image, then by first answer
    drawn[np.lexsort([first, image])] = np.arange(image.size, dtype=np.int32)
    by_pair = np.argsort(pair, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(pair, minlength=n_pairs))])
    cells, selected = drawn[cell[by_pair]], yes[by_pair]
    grow = _compiled() if cell.size * SPLITS > LARGE else grow_halves
    counts = np.zeros((SPLITS, 2, n_pairs), np.int32)

    def split_in_halves(split: int) -> None:
        draw = np.random.default_rng([seed, split]).random(image.size)
        grow(begin, cells, selected, draw, np.full(image.size, -1, np.int8), counts[split])

    with ThreadPoolExecutor(2) as threads:  # neither drawing nor the compiled loop holds Python up
        list(threads.map(split_in_halves, range(SPLITS)))
    return counts


def grow_halves(begin: Any, cells: Any, selected: Any, draw: Any, half: Any, counts: Any) -> None:
    """Fill `half` (1: A, 0: B) of the cells, and count A's answers; pair p's begin at begin[p]."""
    waiting = np.empty(half.size, np.int64)
    for pair in range(begin.size - 1):
        start, stop = begin[pair], begin[pair + 1]
        lacking, n = (stop - start) // 2, 0
        for at in range(start, stop):
            cell = cells[at]
            if half[cell] == 1:
                lacking -= 1
            elif half[cell] < 0:
                half[cell] = 0
                waiting[n] = cell
                n += 1
        for first in range(min(lacking, n)):
            least = first
            for at in range(first + 1, n):
                if draw[waiting[at]] < draw[waiting[least]]:
                    least = at
            cell = waiting[least]
            waiting[least] = waiting[first]
            half[cell] = 1
        for at in range(start, stop):
            if half[cells[at]] == 1:
                counts[1, pair] += 1
                if selected[at]:
                    counts[0, pair] += 1


@cache
def _compiled() -> Callable[..., None]:
    import numba

    try:
        return numba.njit(nogil=True, cache=True)(grow_halves)
    except RuntimeError:  # nowhere to keep the machine code
        return numba.njit(nogil=True)(grow_halves)
