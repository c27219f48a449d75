"""Figures that pool answers (R12's human line, R16), unit by unit against their definitions."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from annotation.report.arrays import FU
from annotation.report.figures.r12_main_label import r12
from annotation.report.figures.r16_agreement import r16
from annotation.report.intervals import Estimate
from tests.studies.made_up_studies import Picture, at, close

# What is left of a unit without a worker stands for as many as before.
Unit = dict[int, Any]  # worker -> answer


def pairs_of(picture: Picture) -> list[Unit]:
    return list(picture.pairs.values())


def main_labels_of(picture: Picture) -> list[Unit]:
    mains = {who: main for who, (_, main) in picture.responses.items()}
    return [mains] if picture.group == FU else []


def agreement(unit: Unit) -> float:
    """m times the share of ordered pairs of answers that are the same."""
    alike = sum(n * (n - 1) for n in Counter(unit.values()).values())
    return alike / (len(unit) - 1)


def agreeing_with_others(unit: Unit) -> float:
    count = 0
    for who, said in unit.items():
        others = Counter(other for each, other in unit.items() if each != who)
        count += others.most_common(1)[0][0] == said
    return count


def units_of_several_objects(picture: Picture) -> list[Unit]:
    return main_labels_of(picture) if picture.is_multi else []


POOLED = [
    (r16, "contains/pairwise_agreement", pairs_of, agreement),
    (r16, "classify/pairwise_agreement", main_labels_of, agreement),
    (r12, "human_line", main_labels_of, agreeing_with_others),
    (r12, "human_line_multi", units_of_several_objects, agreeing_with_others),
]


@pytest.mark.parametrize(
    ("figure", "pointer", "units", "x"), POOLED, ids=[pointer for _, pointer, *_ in POOLED]
)
def test_pooled_answers_and_what_each_worker_changes(studies, figure, pointer, units, x):
    for made, study in studies:
        estimate: Estimate = at(figure(study).data, pointer)
        several = [[unit for unit in units(picture) if len(unit) > 1] for picture in made]
        xs = [sum(map(x, each)) for each in several]
        ds = [sum(map(len, each)) for each in several]
        total = sum(ds)
        value = sum(xs) / total
        assert close(estimate.value, value)
        assert close(
            estimate.effect, [(a - value * d) / total for a, d in zip(xs, ds, strict=True)]
        )
        change = np.zeros((len(made), len(study.workers)))
        for number, picture in enumerate(made):
            for worker in picture.workers:
                after = picture.without(worker)
                if pointer == "human_line_multi":
                    # Whether the picture counts is decided by the number of objects, found anew.
                    if len(picture.responses) < 3 or worker not in picture.responses:
                        continue
                    before_units = main_labels_of(picture)
                    x_after = d_after = 0.0
                    if after.is_multi:
                        m = len(picture.responses)
                        rest = {w: s for w, s in before_units[0].items() if w != worker}
                        x_after, d_after = x(rest) * m / (m - 1), m
                    change[number, worker] = x_after - xs[number] - value * (d_after - ds[number])
                    continue
                for unit in several[number]:
                    if worker in unit and len(unit) > 2:
                        rest = {who: said for who, said in unit.items() if who != worker}
                        change[number, worker] += x(rest) * len(unit) / len(rest) - x(unit)
        found = np.zeros_like(change)
        panel = estimate.panel
        found[panel.image[estimate.cell], panel.worker[estimate.cell]] = estimate.change
        assert close(found, change / total)


def alpha(made: list[Picture], weights: np.ndarray) -> float:
    """Alpha, each picture's answers counting `weight` times."""
    n = agreed = 0.0
    votes: Counter = Counter()
    for weight, picture in zip(weights, made, strict=True):
        for unit in pairs_of(picture):
            if len(unit) > 1:
                n += weight * len(unit)
                agreed += weight * agreement(unit)
                for said in unit.values():
                    votes[said] += weight
    expected = 1 - sum((count / n) ** 2 for count in votes.values())
    return 1 - (1 - agreed / n) / expected


def test_the_effects_on_alpha_are_its_derivative(studies):
    step = 1e-6
    for made, study in studies:
        estimate: Estimate = at(r16(study).data, "contains/alpha")
        n = sum(len(unit) for picture in made for unit in pairs_of(picture) if len(unit) > 1)
        assert close(1 - estimate.value, (1 - alpha(made, np.ones(len(made)))) * (n - 1) / n)
        slopes = [
            (alpha(made, 1 + step * row) - alpha(made, 1 - step * row)) / (2 * step)
            for row in np.eye(len(made))
        ]
        # Up to terms of 1 / n: Krippendorff's alpha corrects chance by (n - 1) / n.
        assert np.allclose(estimate.effect, slopes, atol=2 / n * np.abs(slopes).max())
        assert abs(estimate.effect.sum()) < 1e-12
