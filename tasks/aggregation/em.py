"""Dawid-Skene EM on integer arrays: true classes of pairs and confusion matrices of workers.

Model (Dawid and Skene 1979): pair p has a true class c with probability prior[c]; worker w, asked
about a pair of class c, answers a with probability confusion[w, c, a], independently of the others.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .kernels import EPS
from .packed_judgments import PackedJudgments
from .steps import Steps

Floats = NDArray[np.float64]


class Convergence(NamedTuple):
    """How an EM run ended."""

    iterations: int
    loss: float
    """The last of `history`; 0 without iterations."""
    history: list[float]
    """After each iteration: expected log-likelihood plus entropy, per judgment, as crowd-kit
    counts it (the log prior once per judgment), plus the log density of smoothing and priors."""
    converged: bool
    """The last iteration improved the loss by less than `tol`."""
    n_iter: int
    tol: float | None
    smoothing: float


@dataclass(frozen=True)
class DawidSkeneResult:
    """The fitted model; float64 throughout."""

    posterior: Floats
    """(n_pairs, n_classes): probability of each true class; the priors for a pair that nobody
    judged."""
    priors: Floats
    """(n_classes,): mean posterior over judged pairs."""
    errors: Floats
    """(n_codes, n_classes): probability of an answer given the true class, a row for each answer
    that each worker gave."""
    counts: Floats
    """(n_codes, n_classes): expected number of times the answer met the true class."""
    code_worker: NDArray[np.int64]
    """(n_codes,): the worker of each row of `errors` and `counts`, ascending."""
    code_label: NDArray[np.int64]
    """(n_codes,): the answer of each row."""
    n_workers: int
    convergence: Convergence

    def skill(self) -> Floats:
        """(n_workers,): one coin: the chance of a correct answer, 0.5 for a worker without
        judgments."""
        skill = np.full(self.n_workers, 0.5)
        skill[self.code_worker] = self.errors[np.arange(self.code_label.size), self.code_label]
        return skill


def run_em(
    data: PackedJudgments,
    n_pairs: int,
    *,
    n_iter: int,
    tol: float | None,
    smoothing: float = 0.0,
    worker_priors: ArrayLike | None = None,
    known: NDArray[np.int64] | None = None,
    one_coin: bool = False,
) -> DawidSkeneResult:
    """Fit the model by EM.

    `n_iter`: the maximum number of iterations. `tol`: stop when an iteration improves the loss by
    less; None: never stop early.
    `smoothing`: added to each expected count of an answer given a class.
    `worker_priors`: expected counts known beforehand, added likewise; shape (n_classes, n_classes)
    [true class, answer] for all workers, or (n_workers, n_classes, n_classes). With either, the
    judgments must be packed with `all_codes`.
    `known`: integers of shape (n_pairs,), the true class where it is known and -1 elsewhere.
    `one_coin`: one number per worker, the chance of a correct answer; all wrong answers are
    equally likely.

    Start: vote shares, and priors and confusions from them. One iteration:
    E-step  posterior[p, c] ~ prior[c] x product over judgments (w, a) of p of confusion[w, c, a];
    priors  prior[c] = mean over pairs of posterior[p, c];
    M-step  confusion[w, c, a] ~ sum over the judgments of w that say a of posterior[p, c].
    Priors and expected counts under 1e-10 are raised to it before logarithms and normalisation,
    as in crowd-kit 1.4; a worker's normalisation leaves out answers that they never gave, unless
    `smoothing` or `worker_priors` gives these some weight.

    The order of sums depends on the input alone: repeated runs agree to the bit.
    Without judgments all classes are equally probable, after 0 iterations.
    """
    prior_counts = _prior_counts(data, smoothing, worker_priors)
    normalised = _one_coin_errors if one_coin else _normalised
    with Steps(data, None if known is None else known[data.judged]) as steps:
        steps.vote_shares()
        priors, counts = steps.m_step()
        errors = normalised(data, counts, prior_counts)
        history: list[float] = []
        converged = False
        for _ in range(n_iter if data.n else 0):
            entropy = steps.e_step(np.log(errors), np.log(priors))
            priors, counts = steps.m_step()
            errors = normalised(data, counts, prior_counts)
            history.append(_loss(data, counts, prior_counts, errors, priors, entropy))
            before = history[-2] if len(history) > 1 else -np.inf
            converged = tol is not None and history[-1] - before < tol
            if converged:
                break
        posterior = steps.posterior
    if history:
        np.maximum(posterior, EPS, out=posterior)
    if data.n_judged < n_pairs:
        judged, posterior = posterior, np.tile(priors, (n_pairs, 1))
        posterior[data.judged] = judged
    last = history[-1] if history else 0.0
    return DawidSkeneResult(
        posterior,
        priors,
        errors,
        counts,
        data.code_worker,
        data.code_label,
        data.n_workers,
        Convergence(len(history), last, history, converged, n_iter, tol, smoothing),
    )


def _prior_counts(
    data: PackedJudgments, smoothing: float, worker_priors: ArrayLike | None
) -> Floats | float:
    if smoothing < 0:
        raise ValueError(f"smoothing must not be negative, but is {smoothing}")
    if worker_priors is None:
        return smoothing
    shape = (data.n_workers, data.n_classes, data.n_classes)
    given = np.asarray(worker_priors, np.float64)
    if given.shape not in (shape, shape[1:]) or (given < 0).any():
        raise ValueError(f"worker_priors must be counts of shape {shape[1:]} or {shape}")
    by_answer = np.broadcast_to(given, shape).transpose(0, 2, 1)
    return smoothing + by_answer.reshape(-1, data.n_classes)


def _normalised(data: PackedJudgments, counts: Floats, prior_counts: Floats | float) -> Floats:
    """Expected counts to probabilities: per worker and class the answers sum to 1."""
    errors = np.maximum(counts + prior_counts, EPS)
    if data.n_codes:
        totals = np.add.reduceat(errors, data.worker_begin, axis=0)
        errors /= np.repeat(totals, data.codes_of_worker, axis=0)
    return errors


def _one_coin_errors(data: PackedJudgments, counts: Floats, prior_counts: Floats | float) -> Floats:
    """As _normalised, with each worker's chance of a correct answer instead of their confusions."""
    skill = _skill(counts + prior_counts, data.code_worker, data.code_label, data.n_workers)
    right = skill[data.code_worker, None]
    wrong = (1 - right) / max(1, data.n_classes - 1)
    is_right = data.code_label[:, None] == np.arange(data.n_classes)
    return np.clip(np.where(is_right, right, wrong), EPS, 1 - EPS)


def _skill(
    counts: Floats, code_worker: NDArray[np.int64], code_label: NDArray[np.int64], n_workers: int
) -> Floats:
    right = counts[np.arange(code_label.size), code_label]
    hits = np.bincount(code_worker, right, minlength=n_workers)
    total = np.bincount(code_worker, counts.sum(axis=1), minlength=n_workers)
    return np.divide(hits, total, out=np.full(n_workers, 0.5), where=total > 0)


def _loss(
    data: PackedJudgments,
    counts: Floats,
    prior_counts: Floats | float,
    errors: Floats,
    priors: Floats,
    entropy: float,
) -> float:
    joint = ((counts + prior_counts) * np.log(errors)).sum() + counts.sum(axis=0) @ np.log(priors)
    return float((joint + entropy) / data.n)
