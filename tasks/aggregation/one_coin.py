"""One-coin EM over each image's own candidates, for CLASSIFY's main labels (rule A3).

A confusion matrix over all labels of a dataset cannot be learned from a few answers per image, and
an image's workers choose among its own candidates only. So each worker has one number, the chance
that they name the main label, and all other candidates are equally likely.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import ArrayLike, NDArray

from .fixed_point import Arrival, fixed_point
from .kernels import EPS

Floats = NDArray[np.float64]


class OneCoinResult(NamedTuple):
    posterior: Floats
    """(n_candidates,): sums to 1 over each image's candidates."""
    skill: Floats
    """(n_workers,): chance of the correct answer; the mean of all for workers without a judgment
    on an image of two or more candidates."""
    arrival: Arrival


def fit_one_coin(
    worker: ArrayLike, choice: ArrayLike, candidate_image: ArrayLike, n_workers: int
) -> OneCoinResult:
    """Fit by EM to n answers.

    `worker`, `choice`: integers of shape (n,): who chose which candidate.
    `candidate_image`: integers of shape (n_candidates,), ascending: the image of each candidate.

    Start: vote shares (equal ones for an image without answers). With m_i candidates of
    image i:
    M-step  skill[w] = mean over the answers (w, a) of posterior[a], over images of two candidates
            or more;
    E-step  posterior[c] ~ product over answers (w, a) on the image of skill[w] if a = c, else
            (1 - skill[w]) / (m_i - 1).
    The steps go on to the fixed point (fixed_point.py).
    Raises ValueError for an index outside its range or images that are not ascending.
    """
    worker, choice = np.asarray(worker, np.int64), np.asarray(choice, np.int64)
    image = np.asarray(candidate_image, np.int64)
    if (np.diff(image) < 0).any():
        raise ValueError("candidates must be in ascending order of their images")
    for column, number, name in ((worker, n_workers, "worker"), (choice, image.size, "choice")):
        if column.size and (column.min() < 0 or column.max() >= number):
            raise ValueError(f"a {name} index is outside 0..{number - 1}")
    if not image.size:
        return OneCoinResult(np.zeros(0), np.full(n_workers, 0.5), Arrival(0, 0.0, True))

    begin = np.flatnonzero(np.diff(image, prepend=image[0] - 1))
    sizes = np.diff(begin, append=image.size)
    which = np.repeat(np.arange(begin.size), sizes)
    wrong = np.repeat(np.maximum(sizes - 1, 1), sizes)[choice]
    telling = sizes[which][choice] > 1
    judged = np.bincount(worker[telling], minlength=n_workers)

    def m_step(posterior: Floats) -> Floats:
        """The log odds of each worker's skill."""
        right = np.bincount(worker[telling], posterior[choice[telling]], minlength=n_workers)
        mean = right.sum() / judged.sum() if judged.any() else 0.5
        skill = np.where(judged > 0, right / np.maximum(judged, 1), mean)
        return scipy.special.logit(np.clip(skill, EPS, 1 - EPS))

    def e_step(skill: Floats) -> Floats:
        log_posterior = np.bincount(choice, skill[worker] + np.log(wrong), minlength=image.size)
        log_posterior -= np.maximum.reduceat(log_posterior, begin)[which]
        likelihood = np.exp(log_posterior)
        return likelihood / np.add.reduceat(likelihood, begin)[which]

    votes = np.bincount(choice, minlength=image.size)
    answers = np.add.reduceat(votes, begin)[which]
    start = np.where(answers > 0, votes / np.maximum(answers, 1), 1 / sizes[which])
    posterior, skill, arrival = fixed_point(start, m_step, e_step)
    return OneCoinResult(posterior, scipy.special.expit(skill), arrival)
