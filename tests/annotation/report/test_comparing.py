"""Differences of two studies' headline figures, against the sums that define their intervals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from annotation.report.comparing import comparison
from annotation.report.figures.headlines import headlines
from annotation.report.intervals import OUTSIDE
from tests.studies.made_up_studies import fewer_workers, pictures, study_of

POINTERS = (
    "R3/models/first/settled",
    "R5/mean_share",
    "R7/thresholds/0.5/mean_labels",
    "R10/models/second/mean_sf",
    "R12/main_label/first/weighted",
    "R17/difference_offered",
)


def compared(first, second, one_dataset=True):
    return comparison(first, second, one_dataset=one_dataset).plain()


def interval_of(figure, pointer):
    return figure["intervals"].get(f"/headlines/{pointer.replace('/', '~1')}/difference")


@pytest.fixture(scope="module")
def studies():
    """Pictures 0 to 39 by workers 0 to 13; 20 to 59, answered anew, by workers 3 to 16."""
    made, later = pictures(31, 60), pictures(32, 60)
    for picture, again in zip(made, later, strict=True):
        again.dataset_label = picture.dataset_label
    workers = [str(worker) for worker in range(3, 17)]
    return study_of(made[:40]), replace(study_of(later[20:]), workers=workers)


@pytest.mark.parametrize("pointer", POINTERS)
def test_shared_images_and_workers_count_once(studies, pointer):
    estimates = [headlines(study)[pointer] for study in studies]
    keys = sorted({key for study in studies for key in study.images})
    label, stratum, effect = {}, {}, dict.fromkeys(keys, 0.0)
    change = {}  # (image, worker) -> of the difference
    for study, estimate, sign in zip(studies, estimates, (1, -1), strict=True):
        for key, own, of, e in zip(
            study.images, study.dataset_label, estimate.stratum, estimate.effect, strict=True
        ):
            label[key] = int(own)
            effect[key] += sign * e
            stratum.setdefault(key, []).append(int(of))
        if (panel := estimate.panel) is not None:
            for image, worker, c in zip(panel.image, panel.worker, estimate.centred, strict=True):
                cell = study.images[image], study.workers[worker]
                change[cell] = change.get(cell, 0.0) + sign * c
    inside = [key for key in keys if set(stratum[key]) != {OUTSIDE}]
    if pointer.endswith("weighted"):  # by an image's groups in both studies
        first = set(studies[0].images)
        kind = {
            key: tuple(stratum[key])
            if len(stratum[key]) == 2
            else (stratum[key][0], OUTSIDE)
            if key in first
            else (OUTSIDE, stratum[key][0])
            for key in inside
        }
    else:
        alike = [label[key] for key in inside]
        kind = {
            key: label[key] if label[key] >= 0 and alike.count(label[key]) > 1 else "alone"
            for key in inside
        }
    variance = 0.0
    for each in set(kind.values()):
        e = np.array([effect[key] for key in inside if kind[key] == each])
        variance += e.size / (e.size - 1) * ((e - e.mean()) ** 2).sum() if e.size > 1 else e[0] ** 2
    groups = min(estimate.images for estimate in estimates)
    if change:
        workers = sorted({worker for _, worker in change})
        sums = [sum(c for (_, w), c in change.items() if w == worker) for worker in workers]
        w = len(workers)
        between = w / (w - 1) * sum(s**2 for s in sums) - sum(c**2 for c in change.values())
        variance, groups = variance + max(0.0, between), min(groups, w)
    half = stats.t.ppf(0.975, groups - 1) * variance**0.5
    difference = estimates[0].value - estimates[1].value
    assert interval_of(compared(*studies), pointer) == pytest.approx(
        [difference - half, difference + half], rel=1e-9
    )


@pytest.mark.parametrize("pointer", POINTERS)
def test_studies_that_share_nothing_err_apart(pointer):
    first, second = study_of(pictures(31, 50)), study_of(pictures(32, 40))
    second = replace(second, workers=[f"other {worker}" for worker in second.workers])
    a, b = (headlines(study)[pointer] for study in (first, second))
    error = (a.parts.variances[0] + b.parts.variances[0]) ** 0.5
    half = stats.t.ppf(0.975, min(a.parts.groups, b.parts.groups) - 1) * error
    wanted = [a.value - b.value - half, a.value - b.value + half]
    figure = compared(first, second, one_dataset=False)
    assert interval_of(figure, pointer) == pytest.approx(wanted, rel=1e-9)


def test_a_study_differs_from_itself_by_nothing():
    study = study_of(pictures(31, 50))
    figure = compared(study, study_of(pictures(31, 50)))
    rows = figure["data"]["headlines"]
    assert rows.keys() == headlines(study).keys()
    for pointer, row in rows.items():
        if row["a"] is not None:
            assert row["difference"] == 0
            assert interval_of(figure, pointer) == pytest.approx([0, 0], abs=1e-9)


def test_what_one_study_lacks():
    whole = study_of(pictures(31, 50))
    half = study_of(pictures(31, 50), classify=False)
    assert {key.split("/")[0] for key in compared(whole, half)["data"]["headlines"]} == {
        "R7",
        "R10",
        "R16",
        "B1",
    }
    few = study_of(fewer_workers(pictures(31, 50), 9))
    figure = compared(whole, few)
    assert interval_of(figure, "R5/mean_share") is None
    assert "10 workers" in figure["without_interval"]["/headlines/R5~1mean_share/difference"]
    neither = study_of(pictures(31, 50), contains=False, classify=False)
    assert "headline figures" in compared(whole, neither)["missing"]
