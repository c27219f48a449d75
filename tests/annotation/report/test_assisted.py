"""B4: prediction-powered accuracy, group by group in plain sums."""

from dataclasses import replace
from statistics import fmean, variance

import numpy as np
import pytest

from annotation.report.arrays import EASY, FU, MIS
from annotation.report.figures.b4_assisted import b4
from annotation.report.figures.r04_multi_label import r4
from annotation.report.intervals import bounds
from tests.studies.made_up_studies import fewer_workers, pictures, study_of


def with_three_models(seed, n=80):
    """Of the easy pictures, and of those followed up, some were not asked."""
    made = pictures(seed, n)
    rng = np.random.default_rng(seed)
    for picture in made:
        truth = picture.dataset_label or "a"
        for name in ("first", "second", "third"):
            picture.tops[name] = truth if rng.random() < 0.6 else str(rng.choice(list("abc")))
        if rng.random() < 0.1:
            picture.tops["first"] = None
        if picture.group == FU and rng.random() < 0.3:
            picture.responses = {}
    return made


def is_right(picture, model):
    return bool(picture.num_objects) and picture.tops[model] in "".join(picture.partition)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", ["first", "third"])
def test_the_estimates_are_their_sums(seed, model):
    made = with_three_models(seed)
    study = study_of(made)
    found = b4(study).plain()
    row = found["data"]["models"][model]
    others = [name for name in ("first", "second", "third") if name != model]

    def f(picture):
        return sum(picture.tops[name] == picture.tops[model] for name in others) / 2

    groups = []
    for group in (FU, MIS, EASY):
        images = [
            p
            for p in made
            if p.asked and p.group == group and p.tops[model] is not None and not p.unparted
        ]
        groups.append((images, [picture for picture in images if picture.responses]))
    groups = [(images, answered) for images, answered in groups if images]
    if any(not answered or (len(answered) == 1 < len(images)) for images, answered in groups):
        assert row["human"] is None
        assert found["without_interval"][f"/models/{model}/human"]
        return
    total = sum(len(images) for images, _ in groups)
    lower = upper = 0.0
    for images, answered in groups:
        if len(images) > len(answered):
            c = (len(images) / total) ** 2 * (1 - len(answered) / len(images)) / len(answered)
            y, fs = [is_right(p, model) for p in answered], [f(p) for p in answered]
            cov = sum((a - fmean(y)) * (b - fmean(fs)) for a, b in zip(y, fs, strict=True)) / (
                len(y) - 1
            )
            upper += c * cov
            lower += c * variance(fs)
    weight = min(1, max(0, upper / lower)) if lower else 0

    def value(weight):
        return sum(
            len(images)
            / total
            * (
                fmean(is_right(p, model) - weight * f(p) for p in answered)
                + weight * fmean(map(f, images))
            )
            for images, answered in groups
        )

    def spread(weight):
        w = [(len(images) / len(answered), p) for images, answered in groups for p in answered]
        s2 = sum(a * (is_right(p, model) - value(0)) ** 2 for a, p in w) / sum(a for a, _ in w)
        v = s2 / total
        for images, answered in groups:
            if len(images) > len(answered):
                z = [is_right(p, model) - weight * f(p) for p in answered]
                c = (len(images) / total) ** 2 * (1 - len(answered) / len(images)) / len(answered)
                v += c * variance(z)
        return v

    n = sum(len(answered) for _, answered in groups)
    assert row["lambda"] == pytest.approx(weight)
    assert row["human"] == pytest.approx(value(0))
    assert row["assisted"] == pytest.approx(min(1, value(weight)))
    assert row["n"] == n
    assert row["effective_n"] == pytest.approx(n * spread(0) / spread(weight))
    estimate = r4(study).data["any_label"][model]["weighted"]
    workers = max(0, estimate.parts.workers[0, 0] - estimate.parts.answers[0, 0])
    for name, w in (("human", 0), ("assisted", weight)):
        error = (spread(w) + workers) ** 0.5
        wanted = bounds(row[name], error, estimate.parts.groups, estimate.n)
        assert found["intervals"][f"/models/{model}/{name}"] == pytest.approx(wanted)


def changed(made, change):
    for picture in made:
        change(picture)
    return study_of(made)


def none_easy(picture):
    if picture.group == EASY:
        picture.responses = {}


def all_answered(picture):
    picture.responses = picture.responses or {0: ("a", "a")}
    picture.partition = picture.partition or ["a"]


@pytest.mark.parametrize(
    ("change", "why"),
    [(none_easy, "no image of group easy"), (all_answered, "all images were answered")],
)
def test_nothing_is_foretold_without_a_sample(change, why):
    figure = b4(changed(with_three_models(1), change)).plain()
    row = figure["data"]["models"]["second"]
    assert [row[key] for key in ("human", "assisted", "lambda", "effective_n")] == [None] * 4
    assert why in figure["without_interval"]["/models/second/human"]


def test_one_answer_does_not_stand_for_several():
    made = with_three_models(1)
    easy = [picture for picture in made if picture.group == EASY and picture.asked]
    for picture in easy[1:]:
        picture.responses = {}
    all_answered(easy[0])
    figure = b4(study_of(made)).plain()
    assert "one image of group easy" in figure["without_interval"]["/models/second/assisted"]


def test_few_workers_have_values_alone():
    figure = b4(study_of(fewer_workers(with_three_models(1), 9))).plain()
    assert figure["data"]["models"]["second"]["assisted"] is not None
    assert figure["intervals"] == {}
    assert "10 workers" in figure["without_interval"]["/models/second/assisted"]


def test_one_classifier_has_no_assistant():
    study = study_of(with_three_models(1))
    alone = replace(study, models={"first": study.models["first"]})
    assert "two classifiers" in b4(alone).missing
