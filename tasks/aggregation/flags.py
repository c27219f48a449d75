"""What makes answers look like one person's under many names, or like a machine's (rule V4).

Evidence for a person to weigh: nothing here rejects an answer or changes a result. Thresholds are
this project's own.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import NDArray

LEAST_SHARED = 20  # items about which workers differ, judged by both
NEARLY_ALL = 0.95  # share of the same answers
UNLIKELY = 0.001  # that chance alone gives one such pair or more in a campaign
FAST = 1 / 6  # of the expected time, in the middle of a network's answers
FAST_ANSWERS = 3  # of a network at least
STEADY = 0.1  # standard deviation to mean of the time between choices; people are above 0.3
STEADY_CHOICES = 10
REPORTED = 10  # pictures reported by one worker alone
REPORTED_SHARE = 0.1  # of all that they were shown


class Alike(NamedTuple):
    """Two workers of one network who give the same answers where workers differ."""

    first: int
    second: int
    same: int
    shared: int
    expected: float
    """How many of the shared answers would be the same by chance."""


class Fast(NamedTuple):
    """A network whose answers come too fast, and the workers whose own do."""

    place: int
    workers: list[int]
    seconds: float
    """Of an answer in the middle."""
    expected: float
    """That it was expected to take."""


def alike(
    place: NDArray[np.int64],
    worker: NDArray[Any],
    unit: NDArray[Any],
    value: NDArray[Any],
) -> list[Alike]:
    """Pairs of workers of one place who agree too well to be two people who judge for themselves.

    `place`: (n_workers,): the number of each worker's network, -1 if unknown. `worker`, `unit`,
    `value`: (n,): who judged what, and how, for all workers of the campaign.

    With f_uc the share of the answers to unit u that are c, two independent workers agree on u with
    probability e_u = sum_c f_uc^2. Units on which all agree (e_u = 1) tell nothing. For k equal
    answers of n shared ones, whose e_u have the mean e, chance gives k or more with a probability
    of at most exp(-n KL(k/n, e)) (Hoeffding 1963). A pair is returned if k/n is at least NEARLY_ALL
    and that bound, times the number of pairs compared, at most UNLIKELY.
    """
    neighbours = np.bincount(place[place >= 0], minlength=1)[place] > 1
    neighbours &= place >= 0
    if not neighbours[worker].any():
        return []
    judged = np.isin(unit, unit[neighbours[worker]])
    worker, unit, value = worker[judged], unit[judged], value[judged]
    _, unit = np.unique(unit, return_inverse=True)
    _, cell = np.unique(unit * (int(value.max()) + 1) + value, return_inverse=True)
    votes, answers = np.bincount(cell), np.bincount(unit)
    # Summed over a unit's answers, the share of each one's own value is the sum of f^2.
    chance = np.bincount(unit, votes[cell] / answers[unit] ** 2)
    contested = np.zeros(answers.size, bool)
    contested[unit[votes[cell] < answers[unit]]] = True
    kept = neighbours[worker] & contested[unit]
    worker, unit, cell = worker[kept], unit[kept], cell[kept]
    likely: list[tuple[Alike, float]] = []
    compared = 0
    for network in np.unique(place[worker]):
        here = place[worker] == network
        people, row = np.unique(worker[here], return_inverse=True)
        seen = _table(row, unit[here], people.size, answers.size)
        answers_given = _table(row, cell[here], people.size, votes.size)
        same = np.asarray((answers_given @ answers_given.T).todense())
        shared = np.asarray((seen @ seen.T).todense())
        expected = np.asarray((seen.multiply(chance) @ seen.T).todense())
        enough = np.triu(shared >= LEAST_SHARED, 1)
        compared += int(enough.sum())
        for a, b in zip(*np.nonzero(enough & (same >= NEARLY_ALL * shared)), strict=True):
            pair = Alike(
                int(people[a]), int(people[b]), int(same[a, b]), int(shared[a, b]), expected[a, b]
            )
            likely.append((pair, log_chance(pair.same, pair.shared, pair.expected)))
    return [pair for pair, log in likely if log + np.log(compared) <= np.log(UNLIKELY)]


def log_chance(same: int, shared: int, expected: float) -> float:
    """Upper bound of the log of the probability of `same` or more equal answers by chance.

    >>> round(log_chance(20, 20, 10.0), 2)  # 20 coins that all fall alike
    -13.86
    >>> log_chance(9, 20, 10.0)
    0.0
    """
    k, e = same / shared, expected / shared
    xlogy = scipy.special.xlogy
    if k <= e:
        return 0.0
    return -shared * float(xlogy(k, k / e) + xlogy(1 - k, (1 - k) / (1 - e)))


def _table(row: NDArray, column: NDArray, rows: int, columns: int) -> "scipy.sparse.csr_matrix":
    ones = np.ones(row.size)
    return scipy.sparse.csr_matrix((ones, (row, column)), shape=(rows, columns))


def too_fast(
    place: NDArray[np.int64],
    worker: NDArray[np.int64],
    seconds: NDArray[np.float64],
    expected: NDArray[np.float64],
) -> list[Fast]:
    """The networks whose answers take less than a sixth of the expected time, in the middle.

    `place`: (n_workers,), -1 if unknown; the others (n,): each answer's worker, the seconds from
    its opening to its submission, and those that its HIT is expected to take.
    """
    fast = []
    ratio = seconds / np.maximum(expected, 1e-9)
    for network in np.unique(place[worker]):
        here = place[worker] == network
        if network < 0 or here.sum() < FAST_ANSWERS or np.median(ratio[here]) >= FAST:
            continue
        theirs = [
            int(person)
            for person in np.unique(worker[here])
            if np.median(ratio[worker == person]) < FAST
        ]
        middle = float(np.median(seconds[here])), float(np.median(expected[here]))
        fast.append(Fast(int(network), theirs, *middle))
    return fast


def is_steady(choices: int, pace: float, spread: float) -> bool:
    """Whether the time between choices hardly varies: its mean and standard deviation in seconds.

    >>> is_steady(12, 0.8, 0.02), is_steady(12, 0.8, 0.4), is_steady(5, 0.8, 0.02)
    (True, False, False)
    """
    return choices >= STEADY_CHOICES and spread < STEADY * pace


def reports_much(alone: int, shown: int) -> bool:
    """Whether a worker reports many pictures about which others, who saw them, did not complain.

    `alone`: how many such pictures; `shown`: of how many that they were shown.

    >>> reports_much(10, 100), reports_much(9, 10), reports_much(30, 400)
    (True, False, False)
    """
    return alone >= REPORTED and alone >= REPORTED_SHARE * shown
