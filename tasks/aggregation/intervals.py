"""Confidence intervals of proportions, vectorised."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054


def wilson(
    hits: ArrayLike, trials: ArrayLike, z: float = Z_95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's score interval of hits / trials, without continuity correction.

    With p = hits / trials, the limits are the two p' that a test by the normal approximation just
    rejects: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    (Wilson 1927).

    `hits` and `trials` are arrays of one shape; they may be fractional (expected counts).
    Returns the lower and upper limits; without trials, 0 and 1.
    """
    hits = np.asarray(hits, np.float64)
    trials = np.asarray(trials, np.float64)
    known = trials > 0
    n = np.where(known, trials, 1.0)
    p = np.where(known, hits, 0.0) / n
    middle = p + z * z / (2 * n)
    spread = z * np.sqrt(np.maximum(p * (1 - p) / n + z * z / (4 * n * n), 0.0))
    scale = 1 + z * z / n
    low = np.where(known, np.clip((middle - spread) / scale, 0.0, 1.0), 0.0)
    high = np.where(known, np.clip((middle + spread) / scale, 0.0, 1.0), 1.0)
    # At 0 and 1 the limit is exact; the formula is off by a rounding error.
    return np.where(hits <= 0, 0.0, low), np.where(hits >= trials, 1.0, high)
