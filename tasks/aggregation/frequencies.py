"""Selection frequency: of the workers who were shown a pair, how many selected it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import wilson

UNSEEN, NO, YES, MAYBE = -1, 0, 1, 2


class SelectionFrequencies(NamedTuple):
    """One value per pair, all of shape (n_pairs,)."""

    selected: NDArray[np.int64]
    """Workers who selected the label."""
    maybe: NDArray[np.int64]
    """Workers who answered "maybe": shown, not selected."""
    shown: NDArray[np.int64]
    """Workers who were shown the pair and saw it."""
    sf: NDArray[np.float64]
    """selected / shown; NaN if nobody was shown the pair."""
    low: NDArray[np.float64]
    """Lower limit of the 95% Wilson interval; NaN where sf is."""
    high: NDArray[np.float64]
    """Upper limit of the 95% Wilson interval; NaN where sf is."""


def selection_frequencies(pair: ArrayLike, answer: ArrayLike, n_pairs: int) -> SelectionFrequencies:
    """Count used study judgments per pair: SF = selected / shown (rules F1 to F4).

    `pair`: integers of shape (n,), for each judgment the index of its pair, 0 to n_pairs - 1.
    `answer`: integers of shape (n,): 0 no, 1 yes, 2 maybe, -1 not seen. A worker who
    did not see the picture is in neither count; "maybe" is shown and not selected.
    The caller leaves out controls and judgments that are not used.

    Raises ValueError for an index or an answer outside these ranges.
    Source: Tsipras et al. 2020, the CONTAINS task ("selection frequency").
    """
    pair = np.asarray(pair)
    answer = np.asarray(answer)
    if pair.shape != answer.shape or pair.ndim != 1:
        raise ValueError("pair and answer must be flat arrays of the same length")
    if not pair.size:
        pair, answer = pair.astype(np.int64), answer.astype(np.int8)
    elif pair.min() < 0 or pair.max() >= n_pairs:
        raise ValueError(f"a pair index is outside 0..{n_pairs - 1}")
    elif answer.min() < UNSEEN or answer.max() > MAYBE:
        raise ValueError("every answer must be -1 (not seen), 0 (no), 1 (yes) or 2 (maybe)")

    return frequencies_of_counts(
        np.bincount(pair[answer == YES], minlength=n_pairs),
        np.bincount(pair[answer == MAYBE], minlength=n_pairs),
        np.bincount(pair[answer != UNSEEN], minlength=n_pairs),
    )


def frequencies_of_counts(
    selected: ArrayLike, maybe: ArrayLike, shown: ArrayLike
) -> SelectionFrequencies:
    """Selection frequencies and their intervals from counts per pair; see selection_frequencies."""
    selected, maybe, shown = (np.asarray(c, np.int64) for c in (selected, maybe, shown))
    known = shown > 0
    sf = np.full(shown.shape, np.nan)
    np.divide(selected, shown, out=sf, where=known)
    low, high = wilson(selected, shown)
    return SelectionFrequencies(
        selected,
        maybe,
        shown,
        sf,
        np.where(known, low, np.nan),
        np.where(known, high, np.nan),
    )
