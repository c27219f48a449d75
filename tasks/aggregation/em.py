"""Dawid-Skene EM on integer arrays: true classes of pairs and confusion matrices of workers.

Model (Dawid and Skene 1979): pair p has a true class c with probability prior[c]; worker w, asked
about a pair of class c, answers a with probability confusion[w, c, a], independently of the others.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .kernels import EPS
from .packed_judgments import PackedJudgments, blocks, narrowest, pack_judgments
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
    one_coin: bool = False

    def confusion(self) -> Floats:
        """(n_workers, true class, answer): rows sum to 1.

        Answers that a worker never gave have probability 0 (unless smoothed); a worker without
        judgments has 1 / n_classes everywhere.
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
        """(n_workers,): chance of a correct answer, 0.5 for a worker without judgments.

        The one-coin model's own parameter, otherwise the expected share of correct answers.
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

    `worker`, `pair`, `label`: integers of shape (n,), from 0 to n_workers - 1, n_pairs - 1 and
    n_classes - 1; `label` is the answer. Memory and time grow with n, not with workers x pairs;
    narrow types (int32, uint16, int8) are not widened, and arrays sorted by pair are not copied.
    `n_iter`: the maximum number of iterations. `tol`: stop when an iteration improves the loss by
    less; None: never stop early.
    `smoothing`: added to each expected count of an answer given a class.
    `worker_priors`: expected counts known beforehand, added likewise; shape (n_classes, n_classes)
    [true class, answer] for all workers, or (n_workers, n_classes, n_classes).
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

    A class that neither a judgment nor `known` names is left out, as in crowd-kit: its posteriors
    are 1e-10. With `worker_priors` no class is left out.
    The order of sums depends on the input alone: repeated runs agree to the bit.
    Without judgments all classes are equally probable, after 0 iterations.
    Raises ValueError for an index outside its range.
    """
    label = np.asarray(label)
    fixed = None if known is None else np.asarray(known, np.int64)
    classes = np.arange(n_classes)
    if worker_priors is None:
        classes = occurring(label, n_classes, fixed)
    number = np.zeros(n_classes, narrowest(n_classes))
    number[classes] = np.arange(classes.size)
    data = pack_judgments(
        worker,
        pair,
        label if (classes == np.arange(classes.size)).all() else number[label],
        n_workers,
        n_pairs,
        classes.size,
        all_codes=smoothing > 0 or worker_priors is not None,
    )
    if fixed is not None:
        fixed = np.where(fixed < 0, -1, number[fixed].astype(np.int64))
    result = run_em(
        data,
        n_pairs,
        n_iter=n_iter,
        tol=tol,
        smoothing=smoothing,
        worker_priors=worker_priors,
        known=fixed,
        one_coin=one_coin,
    )
    return result if classes.size == n_classes else _with_all_classes(result, classes, n_classes)


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
    """fit_dawid_skene on packed judgments, with no class left out.

    With `smoothing` or `worker_priors` they must be packed with `all_codes`.
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
        one_coin,
    )


def occurring(
    label: NDArray[Any], n_classes: int, known: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The classes that some judgment or known truth names, ascending; all without judgments."""
    occurs = np.zeros(n_classes, bool)
    if not label.size:
        return np.arange(n_classes)
    if label.min() < 0 or label.max() >= n_classes:
        raise ValueError(f"a label index is outside 0..{n_classes - 1}")
    for rows in blocks(label.size):
        occurs[label[rows]] = True
    if known is not None:
        if known.max(initial=-1) >= n_classes:
            raise ValueError(f"a known class is outside 0..{n_classes - 1}")
        occurs[known[known >= 0]] = True
    return np.flatnonzero(occurs)


def _with_all_classes(
    result: DawidSkeneResult, classes: NDArray[np.int64], n_classes: int
) -> DawidSkeneResult:
    """Add columns for the classes that nobody named: improbable, with uniform errors."""

    def widened(columns: Floats, fill: Floats | float) -> Floats:
        wide = np.empty((columns.shape[0], n_classes))
        wide[:] = fill
        wide[:, classes] = columns
        return wide

    codes_of = np.bincount(result.code_worker, minlength=result.n_workers)[result.code_worker]
    return replace(
        result,
        posterior=widened(result.posterior, EPS),
        priors=widened(result.priors[None], EPS)[0],
        errors=widened(result.errors, 1 / codes_of[:, None]),
        counts=widened(result.counts, 0.0),
        code_label=classes[result.code_label],
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
