"""One-coin EM over each image's own candidates, for CLASSIFY's main labels (rule A3).

A confusion matrix over all labels of a dataset cannot be learned from a few answers per image, and
an image's workers choose among its own candidates only. So each worker has one number, the chance
that they name the main label, and all other candidates are equally likely.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .em import Convergence
from .kernels import EPS

Floats = NDArray[np.float64]


class OneCoinResult(NamedTuple):
    posterior: Floats
    """(n_candidates,): sums to 1 over each image's candidates."""
    skill: Floats
    """(n_workers,): chance of the correct answer; the mean of all for workers without a judgment
    on an image of two or more candidates."""
    convergence: Convergence


def fit_one_coin(
    worker: ArrayLike,
    choice: ArrayLike,
    candidate_image: ArrayLike,
    n_workers: int,
    *,
    n_iter: int = 100,
    tol: float | None = 1e-5,
    smoothing: float = 0.0,
) -> OneCoinResult:
    """Fit by EM to n answers.

    `worker`, `choice`: integers of shape (n,): who chose which candidate.
    `candidate_image`: integers of shape (n_candidates,), ascending: the image of each candidate.
    `smoothing`: added to each worker's expected numbers of right and of wrong answers.

    Start: vote shares (equal ones for an image without answers). With m_i candidates of
    image i:
    E-step  posterior[c] ~ product over answers (w, a) on the image of skill[w] if a = c, else
            (1 - skill[w]) / (m_i - 1);
    M-step  skill[w] = mean over the answers (w, a) of posterior[a], over images of two candidates
            or more.
    The loss is the expected log-likelihood plus entropy, per answer.
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
        empty = Convergence(0, 0.0, [], False, n_iter, tol, smoothing)
        return OneCoinResult(np.zeros(0), np.full(n_workers, 0.5), empty)

    begin = np.flatnonzero(np.diff(image, prepend=image[0] - 1))
    sizes = np.diff(begin, append=image.size)
    which = np.repeat(np.arange(begin.size), sizes)
    wrong = np.repeat(np.maximum(sizes - 1, 1), sizes)[choice]
    telling = sizes[which][choice] > 1

    votes = np.bincount(choice, minlength=image.size).astype(np.float64)
    answers = np.add.reduceat(votes, begin)
    posterior = np.where(
        answers[which] > 0, votes / np.maximum(answers[which], 1), 1 / sizes[which]
    )
    judged = np.bincount(worker[telling], minlength=n_workers)

    def m_step() -> Floats:
        right = np.bincount(worker[telling], posterior[choice[telling]], minlength=n_workers)
        mean = right.sum() / judged.sum() if judged.any() else 0.5
        total = judged + 2 * smoothing
        skill = np.where(total > 0, (right + smoothing) / np.maximum(total, 1e-300), mean)
        return np.clip(np.where(judged > 0, skill, mean), EPS, 1 - EPS)

    def e_step(skill: Floats) -> Floats:
        gain = np.log(skill)[worker] - np.log((1 - skill)[worker] / wrong)
        log_posterior = np.bincount(choice, gain, minlength=image.size)
        log_posterior -= np.maximum.reduceat(log_posterior, begin)[which]
        likelihood = np.exp(log_posterior)
        return likelihood / np.add.reduceat(likelihood, begin)[which]

    def loss(skill: Floats) -> float:
        right = posterior[choice]
        fit = right * np.log(skill)[worker] + (1 - right) * np.log((1 - skill)[worker] / wrong)
        clipped = np.maximum(posterior, EPS)
        entropy = -(clipped * np.log(clipped)).sum() - np.log(sizes).sum()
        return float((fit[telling].sum() + entropy) / choice.size)

    skill = m_step()
    history: list[float] = []
    converged = False
    for _ in range(n_iter if choice.size else 0):
        posterior = e_step(skill)
        skill = m_step()
        history.append(loss(skill))
        converged = tol is not None and len(history) > 1 and history[-1] - history[-2] < tol
        if converged:
            break
    last = history[-1] if history else 0.0
    report = Convergence(len(history), last, history, converged, n_iter, tol, smoothing)
    return OneCoinResult(posterior, skill, report)
