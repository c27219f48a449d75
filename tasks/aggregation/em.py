"""Dawid-Skene EM on integer arrays: true classes of pairs and confusion matrices of workers.

Model (Dawid and Skene 1979): pair p has a true class c with probability prior[c]; worker w, asked
about a pair of class c, answers a with probability confusion[w, c, a], whatever the others say.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import kernels
from .judgments import Judgments, sorted_judgments
from .kernels import EPS

Floats = NDArray[np.float64]

JUDGMENTS_PER_CHUNK = 500_000
MAX_CHUNKS = 32


class Convergence(NamedTuple):
    """How an EM run ended."""

    iterations: int
    loss: float
    """The last of `history`; 0 where nothing was iterated."""
    history: list[float]
    """After each iteration: expected log-likelihood plus entropy, per judgment, as crowd-kit
    counts it (the log prior once per judgment), plus the log density of smoothing and priors."""
    converged: bool
    """The last iteration gained less than `tol`."""
    n_iter: int
    tol: float | None
    smoothing: float


@dataclass(frozen=True)
class DawidSkeneResult:
    """What EM found; float64 throughout."""

    posterior: Floats
    """(n_pairs, n_classes): probability of each true class. A pair that nobody judged has the
    priors."""
    priors: Floats
    """(n_classes,): mean posterior over judged pairs."""
    errors: Floats
    """(n_codes, n_classes): probability of an answer given the true class, a row for each answer
    of each worker that occurs."""
    counts: Floats
    """(n_codes, n_classes): how often, by expectation, the answer met the true class."""
    code_worker: NDArray[np.int64]
    """(n_codes,): the worker of each row of `errors` and `counts`, ascending."""
    code_label: NDArray[np.int64]
    """(n_codes,): the answer of each row."""
    n_workers: int
    convergence: Convergence
    one_coin: bool = False

    def confusion(self) -> Floats:
        """(n_workers, true class, answer): rows sum to 1.

        Answers that a worker never gave have probability 0 (unless smoothed); a worker without a
        judgment has 1 / n_classes everywhere.
        """
        n_classes = self.priors.size
        unknown = np.full(self.n_workers, True)
        unknown[self.code_worker] = False
        dense = np.zeros((self.n_workers, n_classes, n_classes))
        if self.one_coin:
            right = self.skill()[:, None, None]
            wrong = (1 - right) / max(1, n_classes - 1)
            dense[:] = np.where(np.eye(n_classes, dtype=bool), right, wrong)
        else:
            dense[self.code_worker, :, self.code_label] = self.errors
        dense[unknown] = 1 / max(1, n_classes)
        return dense

    def skill(self) -> Floats:
        """(n_workers,): chance of a right answer, 0.5 for a worker without a judgment.

        With one coin the model's number; else the expected share of right answers.
        """
        if self.one_coin:
            skill = np.full(self.n_workers, 0.5)
            skill[self.code_worker] = self.errors[np.arange(self.code_label.size), self.code_label]
            return skill
        return _skill(self.counts, self.code_worker, self.code_label, self.n_workers)

    def expected_counts(self) -> Floats:
        """(n_workers, true class, answer): expected numbers of judgments."""
        n_classes = self.priors.size
        dense = np.zeros((self.n_workers, n_classes, n_classes))
        dense[self.code_worker, :, self.code_label] = self.counts
        return dense


def fit_dawid_skene(
    worker: ArrayLike,
    pair: ArrayLike,
    label: ArrayLike,
    n_workers: int,
    n_pairs: int,
    n_classes: int,
    *,
    n_iter: int = 100,
    tol: float | None = 1e-5,
    smoothing: float = 0.0,
    worker_priors: ArrayLike | None = None,
    known: ArrayLike | None = None,
    one_coin: bool = False,
) -> DawidSkeneResult:
    """Fit the model by EM to n judgments.

    `worker`, `pair`, `label`: integers of shape (n,), each from 0 to its number - 1; `label` is
    the answer. Memory and time grow with n, not with workers x pairs; narrow types (int32, uint16,
    int8) are used as they come, and arrays sorted by pair are not copied.
    `n_iter`: most iterations. `tol`: stop when the loss gains less; None: never stop early.
    `smoothing`: added to each expected count of an answer given a class.
    `worker_priors`: expected counts known beforehand, added likewise; shape (n_classes, n_classes)
    [true class, answer] for all workers, or (n_workers, n_classes, n_classes).
    `known`: integers of shape (n_pairs,), the true class where it is known and -1 elsewhere.
    `one_coin`: one number per worker, the chance of a right answer; a wrong one is any of the
    others with equal chance.

    Start: vote shares, and priors and confusions from them. One iteration:
    E-step  posterior[p, c] ~ prior[c] x product over judgments (w, a) of p of confusion[w, c, a];
    priors  prior[c] = mean over pairs of posterior[p, c];
    M-step  confusion[w, c, a] ~ sum over the judgments of w that say a of posterior[p, c].
    Priors and expected counts under 1e-10 are raised to it before logarithms and normalisation,
    as crowd-kit 1.4 does; answers that a worker never gave have no part in his normalisation
    unless `smoothing` or `worker_priors` gives them one.

    Sums are taken in an order that depends on the input alone: repeated runs agree to the bit.
    Without judgments all classes are equally probable and nothing is iterated.
    Raises ValueError for an index outside its range.
    """
    data = sorted_judgments(
        worker,
        pair,
        label,
        n_workers,
        n_pairs,
        n_classes,
        all_codes=smoothing > 0 or worker_priors is not None,
    )
    prior_counts = _prior_counts(data, smoothing, worker_priors)
    normalised = _one_coin_errors if one_coin else _normalised
    fixed = None if known is None else np.asarray(known, np.int64)[data.judged]
    with _Machine(data, fixed) as machine:
        machine.vote_shares()
        priors, counts = machine.m_step()
        errors = normalised(data, counts, prior_counts)
        history: list[float] = []
        converged = False
        for _ in range(n_iter if data.n else 0):
            entropy = machine.e_step(np.log(errors), np.log(priors))
            priors, counts = machine.m_step()
            errors = normalised(data, counts, prior_counts)
            history.append(_loss(data, counts, prior_counts, errors, priors, entropy))
            before = history[-2] if len(history) > 1 else -np.inf
            converged = tol is not None and history[-1] - before < tol
            if converged:
                break
        posterior = np.tile(priors, (n_pairs, 1)) if data.n_judged < n_pairs else machine.posterior
        if posterior is not machine.posterior:
            posterior[data.judged] = machine.posterior
    return DawidSkeneResult(
        np.maximum(posterior, EPS, out=posterior) if history else posterior,
        priors,
        errors,
        counts,
        data.code_worker,
        data.code_label,
        n_workers,
        Convergence(
            len(history),
            history[-1] if history else 0.0,
            history,
            converged,
            n_iter,
            tol,
            smoothing,
        ),
        one_coin,
    )


def _prior_counts(
    data: Judgments, smoothing: float, worker_priors: ArrayLike | None
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


def _normalised(data: Judgments, counts: Floats, prior_counts: Floats | float) -> Floats:
    """Expected counts to probabilities: per worker and class the answers sum to 1."""
    errors = np.maximum(counts + prior_counts, EPS)
    if data.n_codes:
        totals = np.add.reduceat(errors, data.worker_begin, axis=0)
        errors /= np.repeat(totals, data.codes_of_worker, axis=0)
    return errors


def _one_coin_errors(data: Judgments, counts: Floats, prior_counts: Floats | float) -> Floats:
    """As _normalised, with each worker's chance of a right answer in place of his confusions."""
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
    data: Judgments,
    counts: Floats,
    prior_counts: Floats | float,
    errors: Floats,
    priors: Floats,
    entropy: float,
) -> float:
    joint = ((counts + prior_counts) * np.log(errors)).sum() + counts.sum(axis=0) @ np.log(priors)
    return float((joint + entropy) / data.n)


class _Machine:
    """Runs the steps over the judgments, in chunks of pairs that threads share.

    The chunks depend on the input alone, and their sums are added up in order.
    """

    def __init__(self, data: Judgments, fixed: NDArray[np.int64] | None) -> None:
        self.data = data
        self.posterior: Floats = np.empty((data.n_judged, data.n_classes))
        self.fixed = None if fixed is None else (np.flatnonzero(fixed >= 0), fixed[fixed >= 0])
        self.chunks = _chunks(data)
        self.pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "_Machine":
        threads = min(len(os.sched_getaffinity(0)), len(self.chunks))
        if self.data.large and threads > 1:
            self.pool = ThreadPoolExecutor(threads)
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool:
            self.pool.shutdown()

    def over_chunks(self, work: Callable[[tuple[int, int]], Any]) -> list[Any]:
        return list((self.pool.map if self.pool else map)(work, self.chunks))

    def vote_shares(self) -> None:
        data = self.data
        if data.large:
            run = partial(
                kernels.compiled().vote_shares,
                data.begin,
                data.code,
                data.code_label,
                self.posterior,
            )
            self.over_chunks(lambda chunk: run(*chunk))
        else:
            slot = data.pair_of_each * data.n_classes + data.code_label[data.code]
            votes = np.bincount(slot, minlength=self.posterior.size)
            np.divide(
                votes.reshape(self.posterior.shape), data.judgments_of_pair[:, None], self.posterior
            )
        self.correct()

    def e_step(self, log_errors: Floats, log_priors: Floats) -> float:
        """Set the posteriors; returns their summed entropy."""
        data = self.data
        if data.large:
            steps = kernels.compiled()
            step = steps.e_step_binary if data.n_classes == 2 else steps.e_step
            run = partial(step, data.begin, data.code, log_errors, log_priors, self.posterior)
            entropy = sum(self.over_chunks(lambda chunk: run(*chunk)))
        else:
            np.add.reduceat(log_errors[data.code], data.begin[:-1], axis=0, out=self.posterior)
            self.posterior += log_priors
            self.posterior -= self.posterior.max(axis=1, keepdims=True)
            np.exp(self.posterior, out=self.posterior)
            self.posterior /= self.posterior.sum(axis=1, keepdims=True)
            entropy = _entropy(self.posterior)
        return entropy if self.fixed is None else self.correct()

    def m_step(self) -> tuple[Floats, Floats]:
        """Priors (n_classes,) and expected counts (n_codes, n_classes) from the posteriors."""
        data = self.data
        if not data.n:
            return np.full(data.n_classes, 1 / max(1, data.n_classes)), np.zeros(
                (data.n_codes, data.n_classes)
            )
        if data.large:
            steps = kernels.compiled()
            step = steps.m_step_binary if data.n_classes == 2 else steps.m_step

            def sums(chunk: tuple[int, int]) -> tuple[Floats, Floats]:
                counts = np.zeros((data.n_codes, data.n_classes))
                priors = np.zeros(data.n_classes)
                step(data.begin, data.code, self.posterior, counts, priors, *chunk)
                return counts, priors

            parts = self.over_chunks(sums)
            counts = sum(part[0] for part in parts)
            priors = sum(part[1] for part in parts) / data.n_judged
        else:
            counts = np.empty((data.n_codes, data.n_classes))
            for c in range(data.n_classes):
                weight = self.posterior[data.pair_of_each, c]
                counts[:, c] = np.bincount(data.code, weight, minlength=data.n_codes)
            priors = self.posterior.mean(axis=0)
        return np.maximum(priors, EPS), counts

    def correct(self) -> float:
        """Put in the known classes; returns the summed entropy where there are any."""
        if self.fixed is None:
            return 0.0
        pairs, classes = self.fixed
        self.posterior[pairs] = 0.0
        self.posterior[pairs, classes] = 1.0
        return _entropy(self.posterior)


def _entropy(posterior: Floats) -> float:
    clipped = np.maximum(posterior, EPS)
    return -float((clipped * np.log(clipped)).sum())


def _chunks(data: Judgments) -> list[tuple[int, int]]:
    """Ranges of pairs with about as many judgments each; their sums take less room than these."""
    most = max(1, data.n // max(1, data.n_codes * data.n_classes))
    number = max(1, min(MAX_CHUNKS, most, data.n // JUDGMENTS_PER_CHUNK))
    cuts = np.searchsorted(data.begin, np.linspace(0, data.n, number + 1)[1:-1])
    edges = [0, *cuts.tolist(), data.n_judged]
    return list(pairwise(edges))
