"""The consensus of the other workers on an item, with which a worker's answer is compared."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .skill import PEERS


def agrees_with_others(count: ArrayLike, unit: ArrayLike, peers: int = PEERS) -> NDArray[np.int8]:
    """Whether a worker who gave an answer agrees with the others' consensus on the unit (rule A4).

    Flat arrays with one entry per unit (a pair, an image) and possible answer: `count`, how many
    workers gave it, and `unit`, ascending. There is a consensus where at least `peers` others
    judged the unit and more than half of them gave the same answer.

    Returns 1 where the answer is the others' consensus, 0 where the consensus is another answer, -1
    where they have none. For answers that nobody gave: what it would be if somebody had.
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
    verdict = np.full(count.shape, -1, np.int8)
    enough = others >= peers
    verdict[enough & ((count < most) | (ties > 1)) & (2 * most > others)] = 0
    verdict[enough & (2 * mine > others)] = 1
    return verdict
