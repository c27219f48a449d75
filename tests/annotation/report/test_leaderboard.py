"""B1 and B3: metrics of the classifiers, their ranks, and the differences between them."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from annotation.report.arrays import FU, Predictions
from annotation.report.figures.b1_leaderboard import b1, metrics
from annotation.report.figures.b3_differences import b3, holm
from annotation.report.intervals import OUTSIDE
from tests.studies.made_up_studies import Picture, fewer_workers, number_of, pictures, study_of


def ranked(*rows: str) -> Predictions:
    """A classifier's labels on each picture, the likeliest first."""
    labels = np.array([[number_of(label) for label in row] for row in rows])
    return Predictions(labels, np.ones(labels.shape))


def two_pictures():
    """One of two objects, a and b or c; one of three, of which one was left out of the cut."""
    both = {0: ("ab", "a"), 1: ("ac", "a"), 2: ("ab", "b")}
    three = {0: ("abd", "a"), 1: ("abd", "b")}
    return [
        Picture("0", "a", FU, responses=both, partition=["a", "bc"]),
        Picture("1", "a", FU, responses=three, partition=["a", "b", "d"]),
    ]


@pytest.mark.parametrize(
    ("labels", "share"),
    [
        (("acb", "abd"), (1 + 1) / 2),  # c is a name of the second object
        (("eba", "eab"), (1 / 2 + 2 / 3) / 2),  # a comes third, where two are asked for
        (("bce", "eff"), (1 / 2 + 0) / 2),  # both names of one object
    ],
)
def test_the_first_k_labels_name_a_share_of_k_objects(labels, share):
    study = replace(study_of(two_pictures(), contains=False), models={"net": ranked(*labels)})
    assert metrics(study)["top_k"].value["net"].value == pytest.approx(share)


def test_a_first_label_is_right_where_its_posterior_is_above_one_half():
    """Picture 1 has no such label: nobody was shown f, whose posterior is but the prior."""
    made = [
        Picture("0", "a", FU, pairs={"a": {0: 1}, "b": {0: 1}}),
        Picture("1", "a", FU, pairs={"a": {0: 1}, "f": {}}),
        Picture("2", "a", FU, pairs={"a": {0: 0}}),
        Picture("3", "a", FU, pairs={"a": {0: 1}}),
    ]
    study = study_of(made, classify=False)
    posterior = np.array([0.9, 0.6, 0.4, 0.8, 0.7, 0.5])
    study = replace(
        study,
        contains=replace(study.contains, posterior=posterior),
        models={"net": ranked("b", "f", "c", "a")},
    )
    figure = b1(study).plain()
    assert figure["data"]["models"]["net"]["real"] == {
        "value": pytest.approx(1 / 2),
        "weighted": None,
        "n": 2,
        "rank": 1.0,
        "rank_interval": [1.0, 1.0],
    }
    assert figure["data"]["without_likely_label"] == 2
    assert figure["data"]["models"]["net"]["top1"]["value"] is None
    assert "CLASSIFY" in figure["without_interval"]["/models/net/top1/value"]


KEYS = ("top1", "any_label", "main_label", "top_k", "mean_sf")


@pytest.fixture(scope="module")
def study():
    """Four classifiers, of which two say the same."""
    made = pictures(11, 60)
    for picture in made:
        picture.tops["alike"] = picture.tops["first"]
        picture.tops["third"] = picture.dataset_label
    return study_of(made)


def covariances(study, key):
    """(images, workers less answers) of all classifiers by name, by the sums that define them."""
    metric = metrics(study)[key]
    estimates = [metric.value[name] for name in sorted(metric.value)]
    changes = [centred(study, estimate) for estimate in estimates]
    panel = estimates[0].panel
    w = len(set(panel.worker.tolist())) if panel else 2
    images = [[between_images(a, b) for b in estimates] for a in estimates]
    excess = [
        [w / (w - 1) * (a.sum(0) @ b.sum(0)) - (a * b).sum() for b in changes] for a in changes
    ]
    return np.array(images), np.array(excess)


def centred(study, estimate):
    """(N, W): what each worker changes on each image, less the mean of the image's workers."""
    change, there = np.zeros((2, study.n, len(study.workers)))
    if (panel := estimate.panel) is not None:
        there[panel.image, panel.worker] = 1
        change[panel.image[estimate.cell], panel.worker[estimate.cell]] = estimate.change
    means = change.sum(1) / np.maximum(there.sum(1), 1)
    return (change - means[:, None]) * there


def between_images(first, second):
    total = 0.0
    for stratum in set(first.stratum.tolist()) - {OUTSIDE}:
        inside = first.stratum == stratum
        n, a, b = inside.sum(), first.effect[inside], second.effect[inside]
        total += n / (n - 1) * ((a - a.mean()) @ (b - b.mean())) if n > 1 else a @ b
    return total


@pytest.mark.parametrize("key", KEYS)
def test_ranks_and_how_sure_they_are(study, key):
    found = b1(study).plain()["data"]["models"]
    names = sorted(found)
    estimates = [found[name][key]["value"] for name in names]
    images, excess = covariances(study, key)
    values, vectors = np.linalg.eigh(excess)
    covariance = images + vectors @ np.diag(np.clip(values, 0, None)) @ vectors.T
    assert np.allclose(metrics(study)[key].covariance, covariance, rtol=1e-9, atol=1e-15)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(estimates, covariance, 1000, method="eigh")
    for at, name in enumerate(names):
        higher = sum(value > estimates[at] for value in estimates)
        equal = sum(value == estimates[at] for value in estimates)
        assert found[name][key]["rank"] == higher + (equal + 1) / 2
        if name not in ("alike", "first"):  # of these rounding decides which is drawn higher
            ranks = [1 + (draw > draw[at]).sum() for draw in draws]
            assert found[name][key]["rank_interval"] == np.percentile(ranks, [2.5, 97.5]).tolist()
    assert found["alike"][key]["rank"] == found["first"][key]["rank"]


@pytest.mark.parametrize("key", KEYS)
def test_differences_are_paired(study, key):
    images, excess = covariances(study, key)
    values = metrics(study)[key].value
    names = sorted(values)
    rows = [row for row in b3(study).plain()["data"]["differences"] if row["metric"] == key]
    assert [(row["a"], row["b"]) for row in rows] == list(combinations(names, 2))
    for row in rows:
        i, j = names.index(row["a"]), names.index(row["b"])
        first, second = values[row["a"]], values[row["b"]]
        difference = first.value - second.value
        assert row["difference"] == pytest.approx(difference, abs=1e-15)
        if {row["a"], row["b"]} == {"alike", "first"}:
            assert (row["p"], row["p_holm"]) == (1, 1)
            continue
        spread, workers = (m[i, i] + m[j, j] - 2 * m[i, j] for m in (images, excess))
        error = np.sqrt(spread + max(0.0, workers))
        groups = min(first.images, second.images)
        if first.panel is not None:
            groups = min(groups, len(set(first.panel.worker.tolist())))
        p = 2 * (1 - stats.t.cdf(abs(difference) / error, groups - 1))
        assert row["se"] == pytest.approx(error, rel=1e-9)
        assert row["p"] == pytest.approx(p, abs=1e-12)
    assert [row["p_holm"] for row in rows] == holm([row["p"] for row in rows])


def test_holm_adjusts_from_the_smallest():
    assert holm([0.02, 0.01, 0.9, 0.03]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_with_few_workers_there_is_no_telling():
    few = study_of(fewer_workers(pictures(11, 60), 9))
    figure = b1(few).plain()
    for key in KEYS:
        row = figure["data"]["models"]["first"][key]
        assert row["value"] is not None
        known = key == "top1"  # which no answer moves
        assert (row["rank_interval"] is not None) == known
        pointer = f"/models/first/{key}/rank_interval"
        assert ("10 workers" in figure["without_interval"].get(pointer, "")) != known
    differences = b3(few).plain()
    for at, row in enumerate(differences["data"]["differences"]):
        known = row["metric"] in ("top1", "real") and row["difference"] is not None
        assert (row["p"] is not None) == (row["p_holm"] is not None) == known
        assert (f"/differences/{at}/difference" in differences["intervals"]) == known


@pytest.mark.parametrize("models", [0, 1])
def test_one_classifier_has_no_difference(models):
    made = pictures(11, 30)
    for picture in made:
        picture.tops = dict(list(picture.tops.items())[:models])
    study = study_of(made)
    assert "predictions" in b3(study).missing
    assert (b1(study).missing is None) == bool(models)
    if models:
        row = b1(study).plain()["data"]["models"]["first"]["any_label"]
        assert (row["rank"], row["rank_interval"]) == (1, [1, 1])
