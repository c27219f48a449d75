"""Halves of an image's workers, twenty times over: what cross-fitted figures compare (rule T7)."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from annotation.report.arrays import Frequencies

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
    result = np.zeros((SPLITS, image.size), bool)
    for split in range(SPLITS):
        draw = np.random.default_rng([seed, split]).random(image.size)
        order = np.lexsort([draw, image])
        place = np.arange(image.size) - begin[image]
        result[split, order] = place < m[image] // 2
    return result


def halves_of_pairs(contains: "Frequencies", n_workers: int, seed: int) -> Bools:
    """(SPLITS, A): whether each answer's worker is in half A of its image's workers.

    The halves of an image grow pair by pair in order of label: a worker who has a half keeps it; of
    the others, by rising draw, A takes as many as it lacks of floor(m / 2), B the rest.
    """
    image = contains.image[contains.pair].astype(np.int64)
    codes, first, cell = np.unique(
        image * n_workers + contains.worker, return_index=True, return_inverse=True
    )
    # A draw for each cell, in order of image, then of the worker's first answer.
    order = np.lexsort([first, codes // n_workers])
    by_pair = np.argsort(contains.pair, kind="stable")
    sizes = np.bincount(contains.pair, minlength=contains.image.size)
    begin = np.concatenate([[0], np.cumsum(sizes)])
    cells = cell[by_pair]
    grow = _compiled() if by_pair.size * SPLITS > LARGE else grow_halves
    result = np.zeros((SPLITS, by_pair.size), bool)
    for split in range(SPLITS):
        draw = np.empty(codes.size)
        draw[order] = np.random.default_rng([seed, split]).random(codes.size)
        half = np.full(codes.size, -1, np.int8)
        grow(begin, cells, draw, half)
        result[split] = half[cell] == 1
    return result


def grow_halves(begin: Any, cells: Any, draw: Any, half: Any) -> None:
    """Fill `half` (1: A, 0: B) of the cells; `cells` from begin[p] on judged pair p."""
    for pair in range(begin.size - 1):
        start, stop = begin[pair], begin[pair + 1]
        lacking = (stop - start) // 2
        for at in range(start, stop):
            if half[cells[at]] == 1:
                lacking -= 1
        while True:
            least = -1
            for at in range(start, stop):
                cell = cells[at]
                if half[cell] < 0 and (least < 0 or draw[cell] < draw[least]):
                    least = cell
            if least < 0:
                break
            half[least] = 1 if lacking > 0 else 0
            lacking -= 1


@cache
def _compiled() -> Any:
    import numba

    try:
        return numba.njit(nogil=True, cache=True)(grow_halves)
    except RuntimeError:  # nowhere to keep the machine code
        return numba.njit(nogil=True)(grow_halves)
