"""EM to its fixed point: as plain steps would get there, and faster."""

import numpy as np
import pytest

from tasks.aggregation import fixed_point as module
from tasks.aggregation.fixed_point import fixed_point


def slowly(rates: np.ndarray):
    """An E-step that brings each posterior nearer to 0.3 by a rate of its own."""
    return lambda parameters: 0.3 + rates * (parameters - 0.3)


def as_they_are(posterior: np.ndarray) -> np.ndarray:
    return posterior


def test_slow_steps_end_where_they_lead_in_a_fraction_of_their_number():
    """Plain steps would stop after 1,100, still 2e-5 away."""
    start = np.array([0.9, 0.2, 0.31])
    posterior, parameters, arrival = fixed_point(
        start, as_they_are, slowly(np.array([0.99, 0.5, 0.95]))
    )
    np.testing.assert_allclose(posterior, 0.3, rtol=0, atol=1e-5)
    assert arrival.converged
    assert arrival.largest_change <= 1e-7
    assert arrival.iterations < 100
    assert (slowly(np.array([0.99, 0.5, 0.95]))(parameters) == posterior).all()


def test_far_away_steps_are_plain():
    """A leap from the first three of these steps would end at 1.0, another fixed point."""
    visited: list[float] = []

    def expect(parameters: np.ndarray) -> np.ndarray:
        visited.append(float(parameters[0]))
        return np.where(parameters > 0.95, 1.0, parameters - 0.5 * (parameters - 0.1))

    posterior, _, arrival = fixed_point(np.array([0.9]), as_they_are, expect)
    assert arrival.converged
    assert posterior[0] == pytest.approx(0.1, abs=1e-6)
    np.testing.assert_allclose(visited[:3], [0.9, 0.5, 0.3])


def test_a_leap_that_leads_astray_is_taken_back():
    """Plain steps come to rest at 0.45; leaps pass it, to where steps go on for ever."""

    def expect(parameters: np.ndarray) -> np.ndarray:
        (at,) = parameters
        if at < 0.3:
            return parameters - 0.2
        return 0.45 + 0.5 * (parameters - 0.45) if at < 0.5 else parameters - 0.005 * (at + 1)

    posterior, _, arrival = fixed_point(np.array([0.9]), as_they_are, expect)
    assert arrival.converged
    assert posterior[0] == pytest.approx(0.45, abs=1e-6)


def test_it_gives_up_after_the_most_steps_and_says_so(monkeypatch):
    monkeypatch.setattr(module, "MOST_STEPS", 4)
    _, _, arrival = fixed_point(np.full(3, 0.9), as_they_are, slowly(np.array([0.99, 0.9, 0.5])))
    assert not arrival.converged
    assert arrival.iterations == 4
    assert arrival.largest_change > 1e-7
