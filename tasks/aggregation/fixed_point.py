"""Runs EM to its fixed point, faster than by plain steps."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STILL = 1e-7
"""EM has arrived when a plain step moves no posterior by more."""

MOST_STEPS = 10_000

NEAR = 0.01
"""Leaps begin once a plain step moves no posterior by more: farther away they might end at another
fixed point than plain steps do."""

FARTHEST = 100.0
"""How far a leap goes at most, 1 being where two plain steps lead."""


class Arrival(NamedTuple):
    """How EM ended."""

    iterations: int
    """Steps taken: each computed all posteriors once."""
    largest_change: float
    """By how much the last plain step moved a posterior at most."""
    converged: bool


def fixed_point(
    start: Floats, maximise: Callable[[Floats], Floats], expect: Callable[[Floats], Floats]
) -> tuple[Floats, Floats, Arrival]:
    """The posteriors that a step of EM does not move, reached from `start`.

    `maximise`: the M-step, from posteriors to parameters, a flat array in which every number is
    allowed (log odds). `expect`: the E-step, back to posteriors of the shape of `start`.

    Two plain steps show how fast the parameters move and slow down; the leap that follows goes
    where they would come to rest (SQUAREM, scheme S3: Varadhan and Roland, Scandinavian Journal of
    Statistics 35, 2008). A leap after which steps are longer than before is taken back. The last
    step is a plain one, and moves no posterior by more than STILL unless MOST_STEPS are not enough.

    Returns the posteriors, the parameters that give them, and how it ended.
    """
    parameters = maximise(start)
    posterior, second = expect(parameters), parameters
    steps, change, before_leap = 1, _largest(posterior - start), np.inf
    while change > STILL and steps < MOST_STEPS:
        first = maximise(posterior)
        moved = expect(first)
        steps, change = steps + 1, _largest(moved - posterior)
        if change > before_leap:
            parameters, posterior, before_leap = second, expect(second), np.inf
            steps += 1
            continue
        if change <= STILL or steps >= MOST_STEPS:
            return moved, first, Arrival(steps, change, change <= STILL)
        second = maximise(moved)
        if change < NEAR:
            parameters, before_leap = _leap(parameters, first, second), change
        else:
            parameters, before_leap = second, np.inf
        posterior = expect(parameters)
        steps += 1
    return posterior, parameters, Arrival(steps, change, change <= STILL)


def _leap(start: Floats, first: Floats, second: Floats) -> Floats:
    """At least as far as `second`, along the parabola through the three."""
    step = first - start
    bend = second - first - step
    straight = np.linalg.norm(step) >= FARTHEST * np.linalg.norm(bend)
    far = FARTHEST if straight else max(1.0, float(np.linalg.norm(step) / np.linalg.norm(bend)))
    return start + 2 * far * step + far**2 * bend


def _largest(difference: Floats) -> float:
    return float(np.abs(difference).max(initial=0.0))
