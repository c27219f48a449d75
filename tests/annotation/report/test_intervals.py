"""The parts of an interval against the sums that define them, and its edges."""

import numpy as np
import pytest
from scipy import stats

from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r10_selection import r10
from annotation.report.intervals import (
    OUTSIDE,
    Moved,
    Panel,
    bounds,
    interval,
    parts,
    ratio,
    strata,
    why_none,
)
from tests.studies.made_up_studies import pictures, study_of


def estimates(seed):
    study = study_of(pictures(seed, 40))
    return study, [
        r10(study).data["models"]["first"]["mean_sf"],
        r10(study).data["dataset_label"]["mean_sf"],
        r5(study).data["mean_share"],
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_of_an_interval_are_the_sums_that_define_them(seed):
    study, found = estimates(seed)
    for estimate in found:
        between = 0.0
        for stratum in set(estimate.stratum.tolist()) - {OUTSIDE}:
            effects = estimate.effect[estimate.stratum == stratum]
            n = effects.size
            spread = (
                sum((effects - effects.mean()) ** 2) * n / (n - 1) if n > 1 else effects[0] ** 2
            )
            between += spread
        panel = estimate.panel
        change = np.zeros((study.n, len(study.workers)))
        change[panel.image[estimate.cell], panel.worker[estimate.cell]] = estimate.change
        there = np.zeros(change.shape, bool)
        there[panel.image, panel.worker] = True
        for image in range(study.n):
            change[image, there[image]] -= (
                change[image, there[image]].mean() if there[image].any() else 0
            )
        w = there.any(0).sum()
        workers = w / (w - 1) * (change.sum(0) ** 2).sum()
        answers = (change**2).sum()
        made = parts([estimate])
        assert made.images[0, 0] == pytest.approx(between, rel=1e-12)
        assert made.workers[0, 0] == pytest.approx(workers, rel=1e-9)
        assert made.answers[0, 0] == pytest.approx(answers, rel=1e-9)
        assert made.groups == min(w, estimate.images)
        variance = between + max(0, workers - answers)
        p, t = estimate.value, stats.t.ppf(0.975, made.groups - 1)
        half = t * np.sqrt(variance) / (p * (1 - p))
        low, high = (1 / (1 + np.exp(-np.log(p / (1 - p)) - s * half)) for s in (-1, 1))
        assert interval(estimate) == pytest.approx((low, high), rel=1e-9)


def test_covariances_are_those_of_sums_and_differences():
    """Var(a - b) from the matrix of both is that of the difference's own effects and changes."""
    _, (first, second, _) = estimates(7)
    both = parts([first, second])
    assert both.images[0, 1] == both.images[1, 0]
    panel = first.panel
    size = panel.image.size
    change = np.bincount(first.cell, first.change, size) - np.bincount(
        second.cell, second.change, size
    )
    moved = Moved(panel, np.arange(size), change)
    x = first.effect - second.effect
    difference = ratio(x, np.ones(x.size), first.stratum, moved)
    # `ratio` divides by the number of images and takes the mean off, which no stratum minds.
    scale = x.size**2
    made = parts([difference])
    for name in ("images", "workers", "answers"):
        matrix = getattr(both, name)
        wanted = matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1]
        assert getattr(made, name)[0, 0] * scale == pytest.approx(wanted, rel=1e-6)


def test_images_alone_in_their_label_form_one_stratum():
    label = np.array([0, 0, 1, 2, -1, 3, 3])
    inside = np.array([1, 1, 1, 1, 1, 1, 0], bool)
    found = strata(label, inside)
    assert found[6] == OUTSIDE
    alone = found[[2, 3, 4, 5]]
    assert len(set(alone)) == 1
    assert found[0] == found[1] != alone[0]


def test_nothing_or_everything_has_wilsons_interval():
    t = stats.t.ppf(0.975, 11)
    assert bounds(0.0, 0.0, 12, 50.0) == pytest.approx((0, t**2 / (50 + t**2)))
    assert bounds(1.0, 0.0, 12, 50.0) == pytest.approx((50 / (50 + t**2), 1))
    low, high = bounds(0.5, 0.01, 400, 50.0)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert bounds(3.0, 0.5, 12, 50.0, False) == pytest.approx((3 - t / 2, 3 + t / 2))


@pytest.mark.parametrize(
    ("workers", "images", "why"),
    [(9, 30, "fewer than 10 workers"), (12, 1, "one image"), (12, 0, "nothing"), (12, 30, "")],
)
def test_too_few_workers_or_images_have_no_interval(workers, images, why):
    panel = Panel.of(np.repeat(np.arange(30), workers), np.tile(np.arange(workers), 30), 30, 50)
    d = np.arange(30) < images
    estimate = ratio(
        np.arange(30) % 2, d, np.zeros(30, int), Moved(panel, np.zeros(0, int), np.zeros(0))
    )
    assert why in why_none(estimate)
    assert (interval(estimate) is None) == bool(why)
