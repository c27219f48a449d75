"""B5: people's soft labels and the classifiers' calibration, in plain loops."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from annotation.report.arrays import Predictions
from annotation.report.figures import b5_soft_labels
from annotation.report.figures.b5_soft_labels import b5
from tests.studies.made_up_studies import LABELS, number_of, pictures, study_of


def soft_label(picture):
    """{label: share}; {} where nobody named one."""
    if picture.is_easy:
        return {picture.dataset_label: 1.0} if picture.dataset_label else {}
    if not picture.is_fu:
        return {}
    total = sum(picture.mains.values())
    return {label: votes / total for label, votes in picture.mains.items()}


def foretelling(n, seed):
    """(classifier, probabilities (n, labels)): by logits; the first picture is not predicted."""
    logits = np.random.default_rng(seed).normal(0, 2, (n, len(LABELS))).astype(np.float16)
    logits[-3:] -= 640  # out of reach of the others' exponentials
    shifted = logits.astype(float) - logits.max(1, keepdims=True)
    q = [[exp(z) / sum(map(exp, row)) for z in row] for row in shifted.tolist()]
    top = logits.argmax(1)[:, None]
    top[0] = -1
    return Predictions(top, np.full((n, 1), np.nan), logits), np.array(q)


def in_bins(rows):
    """The calibration error of rows (q, p) in the order of q."""
    each = [len(rows) // 15 + (place < len(rows) % 15) for place in range(15)]
    total = start = 0
    for size in each:
        part = rows[start : start + size]
        if part:
            total += abs(sum(q for q, _ in part) - sum(p for _, p in part))
        start += size
    return total / len(rows)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_against_people(seed, monkeypatch):
    monkeypatch.setattr(b5_soft_labels, "BLOCK", 7)
    made = pictures(seed, 60)
    soft = [soft_label(picture) for picture in made]
    model, q = foretelling(len(made), seed)
    whole = Predictions(np.argsort(-q, 1), -np.sort(-q, 1))  # every label's score, not its logit
    found = b5(replace(study_of(made), models={"logits": model, "scores": whole})).data
    entropies = [-sum(p * log(p) for p in each.values()) for each in soft if each]
    assert found["mean_entropy"] == pytest.approx(np.mean(entropies))
    for name, first in (("logits", 1), ("scores", 0)):
        images = [image for image in range(first, len(made)) if soft[image]]
        losses = [
            -sum(p * log(q[image, number_of(label)]) for label, p in soft[image].items())
            for image in images
        ]
        tops = {image: LABELS[q[image].argmax()] for image in images}
        rows = [(q[image].max(), soft[image].get(tops[image], 0.0)) for image in images]
        assert found["models"][name] == {
            "nll": pytest.approx(np.mean(losses)),
            "ece": pytest.approx(in_bins(sorted(rows, key=lambda row: row[0]))),
            "images": len(images),
        }


@pytest.mark.parametrize(
    ("score", "known"), [(0.5, True), (1.0, True), (1.01, False), (-0.1, False), (0.502, False)]
)
def test_scores_that_are_no_probabilities_have_no_calibration(score, known):
    made = pictures(0, 20)
    other = 0.5 if score < 1 else 0.0
    model = Predictions(np.tile([0, 1], (20, 1)), np.tile([score, other], (20, 1)))
    row = b5(replace(study_of(made), models={"net": model})).data["models"]["net"]
    assert row["nll"] is None  # two of six labels
    assert (row["ece"] is not None) == known


def test_labels_that_no_class_means_leave_the_likelihood_open():
    made = pictures(0, 20)
    model, _ = foretelling(20, 0)
    model.logits[:, 2] = -np.inf
    row = b5(replace(study_of(made), models={"net": model})).data["models"]["net"]
    assert row["nll"] is None
    assert row["ece"] is not None


def test_without_predictions_or_votes():
    study = replace(study_of(pictures(0, 20)), models={})
    assert b5(study).data["models"] == {}
    silent = pictures(0, 20)
    for picture in silent:
        picture.dataset_label = None
        picture.responses = dict.fromkeys(picture.responses, ("", None))
    figure = b5(study_of(silent))
    assert (figure.n, figure.data["mean_entropy"]) == (0, None)
    assert figure.data["models"]["first"] == {"nll": None, "ece": None, "images": 0}
    assert "CLASSIFY" in b5(study_of(silent, classify=False)).missing
