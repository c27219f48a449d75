"""The inner loops of EM, compiled by numba where the input is large.

Each function works on the pairs lo..hi-1 and releases the interpreter's lock, so that threads can
share the work. Numba's own threading layers are not used: they do not survive Celery's forks.
"""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

EPS = 1e-10
"""Smaller probabilities are raised to this, as in crowd-kit."""

Array = NDArray[Any]


def sort_by_pair(pair: Array, code: Array, start: Array, out: Array) -> None:
    """Write the judgments' codes to `out` by pair, keeping the order of rows.

    `start`: where each pair's judgments begin in `out`; overwritten.
    """
    for row in range(pair.size):
        out[start[pair[row]]] = code[row]
        start[pair[row]] += 1


def vote_shares(
    begin: Array, code: Array, code_label: Array, posterior: Array, lo: int, hi: int
) -> None:
    """posterior[p, c] = share of the answers on p that say c."""
    for p in range(lo, hi):
        for c in range(posterior.shape[1]):
            posterior[p, c] = 0.0
        for j in range(begin[p], begin[p + 1]):
            posterior[p, code_label[code[j]]] += 1.0
        for c in range(posterior.shape[1]):
            posterior[p, c] /= begin[p + 1] - begin[p]


def e_step_binary(
    begin: Array,
    code: Array,
    log_errors: Array,
    log_priors: Array,
    posterior: Array,
    lo: int,
    hi: int,
) -> float:
    """e_step for two classes: one sum of log odds per pair."""
    entropy = 0.0
    odds = log_errors[:, 1] - log_errors[:, 0]
    prior_odds = log_priors[1] - log_priors[0]
    for p in range(lo, hi):
        s = prior_odds
        for j in range(begin[p], begin[p + 1]):
            s += odds[code[j]]
        z = np.exp(-abs(s))
        likely = 1.0 / (1.0 + z)
        unlikely = z / (1.0 + z)
        if s > 0:
            posterior[p, 0] = unlikely
            posterior[p, 1] = likely
        else:
            posterior[p, 0] = likely
            posterior[p, 1] = unlikely
        log_likely = -np.log1p(z)
        if unlikely > EPS:
            entropy -= likely * log_likely + unlikely * (log_likely - abs(s))
        else:
            entropy -= likely * log_likely + EPS * np.log(EPS)
    return entropy


def e_step(
    begin: Array,
    code: Array,
    log_errors: Array,
    log_priors: Array,
    posterior: Array,
    lo: int,
    hi: int,
) -> float:
    """posterior[p, c] ~ prior[c] x product over the answers on p of errors[answer, c].

    Returns the sum of the posteriors' entropies.
    """
    entropy = 0.0
    n_classes = posterior.shape[1]
    for p in range(lo, hi):
        most = -np.inf
        for c in range(n_classes):
            posterior[p, c] = log_priors[c]
        for j in range(begin[p], begin[p + 1]):
            for c in range(n_classes):
                posterior[p, c] += log_errors[code[j], c]
        for c in range(n_classes):
            most = max(most, posterior[p, c])
        total = 0.0
        for c in range(n_classes):
            posterior[p, c] = np.exp(posterior[p, c] - most)
            total += posterior[p, c]
        for c in range(n_classes):
            posterior[p, c] /= total
            clipped = max(posterior[p, c], EPS)
            entropy -= clipped * np.log(clipped)
    return entropy


def m_step_binary(
    begin: Array, code: Array, posterior: Array, counts: Array, priors: Array, lo: int, hi: int
) -> None:
    """m_step for two classes."""
    for p in range(lo, hi):
        no = posterior[p, 0]
        yes = posterior[p, 1]
        priors[0] += no
        priors[1] += yes
        for j in range(begin[p], begin[p + 1]):
            counts[code[j], 0] += no
            counts[code[j], 1] += yes


def m_step(
    begin: Array, code: Array, posterior: Array, counts: Array, priors: Array, lo: int, hi: int
) -> None:
    """counts[answer, c] = sum of posterior[p, c] over the pairs that were given the answer.

    `priors` gets the sum of the posteriors.
    """
    for p in range(lo, hi):
        for c in range(posterior.shape[1]):
            priors[c] += posterior[p, c]
        for j in range(begin[p], begin[p + 1]):
            for c in range(posterior.shape[1]):
                counts[code[j], c] += posterior[p, c]


@cache
def compiled() -> SimpleNamespace:
    """The functions above as machine code, compiled at their first call.

    The machine code is kept beside this file, or in the user's cache folder; where neither can be
    written, each process compiles anew.
    """
    import numba

    def compile_one(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(nogil=True, cache=True)(function)
        except RuntimeError:
            return numba.njit(nogil=True)(function)

    functions = (
        sort_by_pair,
        vote_shares,
        e_step_binary,
        e_step,
        m_step_binary,
        m_step,
    )
    return SimpleNamespace(**{f.__name__: compile_one(f) for f in functions})
