"""How accurate each worker is: sensitivity, specificity, control accuracy, with intervals."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .frequencies import NO, UNSEEN, YES
from .intervals import wilson

PEERS = 3
"""The number of other workers who must agree on a pair for it to count as a control (rule K8)."""

Floats = NDArray[np.float64]


class WorkerSkill(NamedTuple):
    """One value per worker, all of shape (n_workers,); limits are of 95% intervals.

    Without positive items nothing is known: the sensitivity is 0.5, its limits 0 and 1; likewise
    specificity without negatives. `positives` and `negatives` give the sample sizes.
    """

    positives: Floats
    """Number of judged items that show the object; fractional if expected."""
    negatives: Floats
    sensitivity: Floats
    """Share of the positives that the worker selected."""
    sensitivity_low: Floats
    sensitivity_high: Floats
    specificity: Floats
    """Share of the negatives that the worker did not select; "maybe" is not selected."""
    specificity_low: Floats
    specificity_high: Floats
    accuracy: Floats
    """Mean of sensitivity and specificity: 0.5 for a worker who selects nothing, or everything."""
    accuracy_low: Floats
    accuracy_high: Floats


def skill_of_counts(
    selected_positives: ArrayLike,
    positives: ArrayLike,
    selected_negatives: ArrayLike,
    negatives: ArrayLike,
) -> WorkerSkill:
    """Skills from counts per worker; arrays of one shape.

    Sensitivity and specificity have Wilson intervals. The interval of their mean follows from
    these, since the variances of independent estimates add up (Newcombe 1998, method 10): the
    distance of a limit from the mean is half the root of the sum of their squared distances.
    """
    positives, negatives = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    rejected = negatives - np.asarray(selected_negatives)
    sensitivity, low_1, high_1 = _share(np.asarray(selected_positives, np.float64), positives)
    specificity, low_0, high_0 = _share(rejected, negatives)
    accuracy = (sensitivity + specificity) / 2
    below = np.hypot(sensitivity - low_1, specificity - low_0) / 2
    above = np.hypot(high_1 - sensitivity, high_0 - specificity) / 2
    return WorkerSkill(
        positives,
        negatives,
        sensitivity,
        low_1,
        high_1,
        specificity,
        low_0,
        high_0,
        accuracy,
        np.maximum(accuracy - below, 0.0),
        np.minimum(accuracy + above, 1.0),
    )


def _share(hits: Floats, trials: Floats) -> tuple[Floats, Floats, Floats]:
    share = np.divide(hits, trials, out=np.full(trials.shape, 0.5), where=trials > 0)
    return share, *wilson(hits, trials)


def control_skill(
    worker: ArrayLike, present: ArrayLike, answer: ArrayLike, n_workers: int
) -> WorkerSkill:
    """Skills on items whose answer is known; `accuracy` is the control accuracy.

    Flat arrays with one entry per judgment: index of the worker; whether the object is present (1)
    or not (0), -1 if unknown; the answer (see frequencies.py). Judgments of unknown items and of
    items that the worker did not see are left out.
    """
    worker, present, answer = np.asarray(worker), np.asarray(present), np.asarray(answer)
    seen = answer != UNSEEN

    def count(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(worker[rows].astype(np.int64), minlength=n_workers)

    positive, negative = seen & (present == 1), seen & (present == 0)
    return skill_of_counts(
        count(positive & (answer == YES)),
        count(positive),
        count(negative & (answer == YES)),
        count(negative),
    )


def peer_controls(
    pair: ArrayLike, answer: ArrayLike, n_pairs: int, peers: int = PEERS
) -> NDArray[np.int8]:
    """Whether a judgment's pair shows the object, by all others who judged it (rule K8): 1, 0, or
    -1 for unknown.

    It is known if at least `peers` others judged the pair and all gave the same answer, yes or no.
    Flat arrays with one entry per judgment, each worker once per pair; the result has their shape.
    """
    pair, answer = np.asarray(pair, np.int64), np.asarray(answer)
    seen = answer != UNSEEN
    shown = np.bincount(pair[seen], minlength=n_pairs)[pair] - seen
    present = np.full(pair.shape, -1, np.int8)
    for value in (NO, YES):
        mine = answer == value
        others = np.bincount(pair[mine], minlength=n_pairs)[pair] - mine
        present[seen & (shown >= peers) & (others == shown)] = value
    return present


def may_be_stopped(skill: WorkerSkill, min_accuracy: float, min_items: int) -> NDArray[np.bool_]:
    """Which workers' control accuracy is surely too low (rule K10): the upper limit of its interval
    is below `min_accuracy`, and they judged at least half of `min_items` of each kind."""
    enough = (2 * skill.positives >= min_items) & (2 * skill.negatives >= min_items)
    return enough & (skill.accuracy_high < min_accuracy)
