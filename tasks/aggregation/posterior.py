"""The posterior of a pair: the probability that the label is there, from all workers' answers.

The model is Dawid and Skene's (1979) with two true states, absent and present, however many
answers the form offers. Theirs takes a pair's answers for independent, but a difficult picture
makes them right or wrong together. So the weight of each answer is tempered (rule A1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import ArrayLike, NDArray

from .fixed_point import Arrival, fixed_point
from .packed_judgments import PackedJudgments, blocks, pack_judgments

Floats = NDArray[np.float64]

ANSWERS = 3
"""No, yes, maybe, numbered as in frequencies.py."""

TAUS = tuple(twentieths / 20 for twentieths in range(20, 9, -1))
"""The weights of an answer that are tried: 1.0, 0.95, ..., 0.5."""

BORROWED = 5.0
"""How many answers are added to each worker's own in each state, spread as all workers' are."""

TINY = 1e-300  # smaller probabilities are raised to this before logarithms
EQUAL = 1e-7  # mean logarithms closer than this are equal: fixed points are known as exactly


@dataclass(frozen=True)
class PairPosteriors:
    """The fitted model; where an axis has two states, absent comes first."""

    posterior: Floats
    """(n_pairs,): the probability that the label is there; of a pair that nobody judged, the
    prior."""
    prior: float
    """The mean posterior of judged pairs; NaN without judgments."""
    tau: float
    """The weight of an answer: 1 if answers are independent, less the more they err together."""
    probabilities: Floats
    """(2, n_workers, ANSWERS): of a worker's answers in each state."""
    counts: Floats
    """(2, n_workers, ANSWERS): expected numbers of a worker's answers in each state."""
    arrival: Arrival
    """Of EM with this tau at its fixed point."""


def fit_posteriors(
    worker: ArrayLike,
    pair: ArrayLike,
    answer: ArrayLike,
    n_workers: int,
    n_pairs: int,
    taus: Sequence[float] = TAUS,
) -> PairPosteriors:
    """Fit the model to n answers by EM.

    `worker`, `pair`, `answer`: integers of shape (n,), in any order; nobody's UNSEEN is an answer.

    Start: q[p] = (yes + maybe / 2) / shown. A step:
    prior   mean of q over judged pairs;
    M-step  P(a | w, state) ~ the expected number of times that worker w answered a in this state
            + BORROWED x the share of a among all workers' expected answers in it;
    E-step  q[p] ~ prior x (product over the answers on p of P(a | w, state)) ^ tau.
    The steps go on to the fixed point (fixed_point.py), for each of `taus`, the largest first. The
    tau that predicts answers best counts, the largest of equals: it has the largest mean, over all
    answers, of log sum over states of q' x P(a | w, state), where q' is q without this answer.

    Raises ValueError for an index outside its range.
    """
    data = pack_judgments(worker, pair, answer, n_workers, n_pairs, ANSWERS, all_codes=True)
    if not data.n:
        unknown, nothing = np.full(n_pairs, np.nan), np.zeros((2, n_workers, ANSWERS))
        return PairPosteriors(unknown, np.nan, 1.0, nothing, nothing, Arrival(0, 0.0, True))
    answers = _Answers(data)
    best = -np.inf
    for tau in taus:
        q, logs, arrival = fixed_point(
            answers.shares(), answers.m_step, partial(answers.e_step, tau=tau)
        )
        score = answers.mean_log_prediction(logs, tau)
        if score > best + EQUAL:
            best, chosen = score, (tau, q, logs, arrival)
    tau, q, logs, arrival = chosen
    posterior = np.full(n_pairs, q.mean())
    posterior[data.judged] = q
    probabilities = np.exp(logs[:, :-1]).reshape(2, n_workers, ANSWERS)
    return PairPosteriors(
        posterior, float(q.mean()), tau, probabilities, answers.counts(q), arrival
    )


def expected_counts(worker: ArrayLike, answer: ArrayLike, q: Floats, n_workers: int) -> Floats:
    """(2, n_workers, ANSWERS): expected numbers of answers, of n answers on pairs of posterior q.

    All of shape (n,). From the posteriors at the fixed point they give the fitted model's.
    """
    code = np.asarray(worker, np.int64) * ANSWERS + np.asarray(answer)
    size = n_workers * ANSWERS
    counts = np.array([np.bincount(code, 1 - q, size), np.bincount(code, q, size)], float)
    return counts.reshape(2, n_workers, ANSWERS)


def log_probabilities(counts: Floats) -> Floats:
    """(2, n_workers, ANSWERS): logarithms of P(a | w, state), BORROWED answers added."""
    of_all = counts.sum(axis=1, keepdims=True)
    spread = of_all / np.maximum(of_all.sum(axis=2, keepdims=True), TINY)
    own = counts.sum(axis=2, keepdims=True)
    return np.log(np.maximum((counts + BORROWED * spread) / (own + BORROWED), TINY))


class _Answers:
    """The answers as a sparse matrix of judged pairs x (worker, answer).

    `logs`, of shape (2, n_workers x ANSWERS + 1), are the logarithms of the probabilities of each
    worker's answers in either state, and last of the state itself.
    """

    def __init__(self, data: PackedJudgments) -> None:
        self.data = data
        shape = (data.n_judged, data.n_codes)
        self.given = scipy.sparse.csr_matrix((np.ones(data.n), data.code, data.begin), shape)
        self.of_code = self.given.T

    def shares(self) -> Floats:
        """(n_judged,): the start of EM."""
        weight = np.array([0.0, 1.0, 0.5])[self.data.code_label]
        return self.given @ weight / self.data.judgments_of_pair

    def counts(self, q: Floats) -> Floats:
        """(2, n_workers, ANSWERS): expected numbers of answers."""
        of_states = np.empty((q.size, 2))  # one product for both: small studies have many steps
        of_states[:, 0], of_states[:, 1] = 1 - q, q
        counts = np.ascontiguousarray((self.of_code @ of_states).T)
        return counts.reshape(2, self.data.n_workers, ANSWERS)

    def m_step(self, q: Floats) -> Floats:
        """`logs` of posteriors q, of shape (n_judged,)."""
        prior = q.mean()
        logs = np.empty((2, self.data.n_codes + 1))
        logs[:, :-1] = log_probabilities(self.counts(q)).reshape(2, -1)
        logs[:, -1] = np.log(np.maximum([1 - prior, prior], TINY))
        return logs

    def e_step(self, logs: Floats, tau: float) -> Floats:
        """(n_judged,): posteriors."""
        return scipy.special.expit(self.log_odds(logs, tau))

    def log_odds(self, logs: Floats, tau: float) -> Floats:
        """(n_judged,): of the posteriors."""
        of_answer = logs[1] - logs[0]
        return of_answer[-1] + tau * (self.given @ of_answer[:-1])

    def mean_log_prediction(self, logs: Floats, tau: float) -> float:
        """How well the other answers on its pair predict an answer, over all answers."""
        log_odds, of_answer = self.log_odds(logs, tau), logs[1] - logs[0]
        probabilities = np.exp(logs)
        total = 0.0
        for rows in blocks(self.data.n):
            code = self.data.code[rows]
            without = scipy.special.expit(
                log_odds[self.data.pair_of_each[rows]] - tau * of_answer[code]
            )
            absent, present = probabilities[:, code]
            total += np.log(without * present + (1 - without) * absent).sum()
        return float(total / self.data.n)
