"""What all others say of an item: the consensus that a worker's answer is compared with."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .skill import PEERS


def agrees_with_others(count: ArrayLike, unit: ArrayLike, peers: int = PEERS) -> NDArray[np.int8]:
    """Whether one who gave an answer agrees with the consensus of all others on the same unit.

    Flat arrays with one entry per unit (a pair, an image) and answer that it may have: `count`,
    how many gave it, and `unit`, ascending. There is a consensus where at least `peers` others
    judged the unit and more than half of them gave the same answer.

    Returns 1 where the answer is the others' consensus, 0 where that is another one, -1 where they
    have none; of answers that nobody gave it says what would be if one had.
    """
    count, unit = np.asarray(count), np.asarray(unit)
    if not count.size:
        return np.empty(0, np.int8)
    begin = np.flatnonzero(np.diff(unit, prepend=unit[0] - 1))
    sizes = np.diff(begin, append=unit.size)

    def per_answer(values: NDArray) -> NDArray:
        return np.repeat(values, sizes)

    mine = np.maximum(count - 1, 0)
    others = np.maximum(per_answer(np.add.reduceat(count, begin)) - 1, 0)
    most = per_answer(np.maximum.reduceat(count, begin))
    ties = per_answer(np.add.reduceat((count == most).astype(np.int64), begin))
    found = np.full(count.shape, -1, np.int8)
    enough = others >= peers
    found[enough & ((count < most) | (ties > 1)) & (2 * most > others)] = 0
    found[enough & (2 * mine > others)] = 1
    return found
