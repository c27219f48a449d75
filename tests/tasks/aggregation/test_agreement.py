"""Krippendorff's alpha on nominal answers with some missing."""

import numpy as np
import pytest
from crowdkit.metrics.data import alpha_krippendorff

from tasks.aggregation import krippendorff_alpha, nominal_alpha

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers,
# twelve units, some values missing; nominal alpha 0.743.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def votes(observers):
    rows = [
        (unit, observer, value)
        for observer, values in enumerate(observers)
        for unit, value in enumerate(values)
        if value is not None
    ]
    return dict(zip(("task", "worker", "label"), zip(*rows, strict=True), strict=True))


def test_it_gives_the_published_value():
    assert krippendorff_alpha(votes(OBSERVERS)) == pytest.approx(0.743, abs=5e-4)


def test_it_gives_crowd_kits_value_where_all_units_are_paired():
    import pandas as pd

    rng = np.random.default_rng(0)
    task, worker = (column.ravel() for column in np.indices((40, 6)))
    label = np.where(rng.random(240) < 0.7, task % 3, rng.integers(0, 3, 240))
    frame = pd.DataFrame({"task": task, "worker": worker, "label": label})
    assert krippendorff_alpha(frame) == pytest.approx(alpha_krippendorff(frame))


def test_perfect_agreement_is_one_and_chance_is_near_zero():
    unit = np.repeat(np.arange(2000), 4)
    assert nominal_alpha(unit, unit % 2, 2000, 2) == 1
    answers = np.random.default_rng(0).integers(0, 2, unit.size)
    assert abs(nominal_alpha(unit, answers, 2000, 2)) < 0.03


def test_systematic_disagreement_is_below_zero():
    assert nominal_alpha([0, 0, 1, 1], [0, 1, 1, 0], 2, 2) == -0.5


def test_a_unit_with_one_answer_counts_for_nothing():
    paired = nominal_alpha([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 0, 1], 3, 2)
    assert nominal_alpha([0, 0, 1, 1, 2, 2, 3], [0, 0, 1, 1, 0, 1, 1], 4, 2) == paired


def test_where_nothing_varies_or_nothing_is_paired_it_is_defined():
    assert nominal_alpha([0, 0, 1, 1], [1, 1, 1, 1], 2, 2) == 1
    assert nominal_alpha([0, 1], [0, 1], 2, 2) == 0
    assert nominal_alpha([], [], 0, 0) == 0
