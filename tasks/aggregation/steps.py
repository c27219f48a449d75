"""The E-step and the M-step over packed judgments: NumPy for few, compiled loops for many."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .kernels import EPS
from .packed_judgments import PackedJudgments

Floats = NDArray[np.float64]

JUDGMENTS_PER_CHUNK = 500_000
MAX_CHUNKS = 32


class Steps:
    """Runs the steps over the judgments, in chunks of pairs that threads share.

    The chunks depend on the input alone, and their sums are added in order.
    """

    def __init__(self, data: PackedJudgments, fixed: NDArray[np.int64] | None) -> None:
        self.data = data
        # NumPy works class by class, the compiled loops pair by pair.
        order: Literal["C", "F"] = "C" if data.large else "F"
        self.posterior: Floats = np.empty((data.n_judged, data.n_classes), order=order)
        self.fixed = None if fixed is None else (np.flatnonzero(fixed >= 0), fixed[fixed >= 0])
        self.chunks = _chunks(data)
        self.pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "Steps":
        threads = min(_cores(), len(self.chunks))
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
        """Set the posteriors; return their summed entropy."""
        data = self.data
        if data.large:
            steps = kernels.compiled()
            step = steps.e_step_binary if data.n_classes == 2 else steps.e_step
            run = partial(step, data.begin, data.code, log_errors, log_priors, self.posterior)
            entropy = sum(self.over_chunks(lambda chunk: run(*chunk)))
        else:
            for c in range(data.n_classes):  # a class at a time: rows of few columns gather slowly
                of_each = np.ascontiguousarray(log_errors[:, c])[data.code]
                self.posterior[:, c] = np.add.reduceat(of_each, data.begin[:-1]) + log_priors[c]
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
                weight = np.repeat(self.posterior[:, c], data.judgments_of_pair)
                counts[:, c] = np.bincount(data.code, weight, minlength=data.n_codes)
            priors = self.posterior.mean(axis=0)
        return np.maximum(priors, EPS), counts

    def correct(self) -> float:
        """Set the posteriors of known classes; return the summed entropy if there are any."""
        if self.fixed is None:
            return 0.0
        pairs, classes = self.fixed
        self.posterior[pairs] = 0.0
        self.posterior[pairs, classes] = 1.0
        return _entropy(self.posterior)


def _cores() -> int:
    """Cores that this process may use; on some systems, all cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _entropy(posterior: Floats) -> float:
    clipped = np.maximum(posterior, EPS)
    return -float((clipped * np.log(clipped)).sum())


def _chunks(data: PackedJudgments) -> list[tuple[int, int]]:
    """Ranges of pairs with about equal numbers of judgments; few, so that their sums stay small."""
    most = max(1, data.n // max(1, data.n_codes * data.n_classes))
    number = max(1, min(MAX_CHUNKS, most, data.n // JUDGMENTS_PER_CHUNK))
    cuts = np.searchsorted(data.begin, np.linspace(0, data.n, number + 1)[1:-1])
    edges = [0, *cuts.tolist(), data.n_judged]
    return list(pairwise(edges))
