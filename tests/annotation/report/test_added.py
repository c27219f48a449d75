"""A study with campaigns that asked later what its CONTAINS campaign did not."""

from dataclasses import replace

import numpy as np
import pytest

from annotation.report.answers import answers
from annotation.report.arrays import EASY, NO, YES, Frequencies, Predictions, Study
from annotation.report.campaigns import study_of as campaigns_of
from annotation.report.comparison_document import comparison_of
from annotation.report.document import figures_of
from annotation.report.figures.r10_selection import r10
from annotation.report.findings import finding
from annotation.report.loading import load_study
from models_inference.models import Classifier, Prediction
from tasks.campaigns.publish import publish
from tasks.models import Campaign
from tests.factories import answer_no, make_campaign, make_dataset, make_workers, work_through
from tests.studies.made_up_studies import pictures, study_of

FROM_BOTH = {"R10", "R11", "R13"}


def frequencies(pairs, answers) -> Frequencies:
    """pairs: (image, label); answers: (pair, worker, answer)."""
    image, label = np.array(pairs).T
    pair, worker, answer = np.array(answers).T
    nothing = np.full(image.size, np.nan)
    selected = np.bincount(pair, answer == YES, image.size).astype(int)
    shown = np.bincount(pair, minlength=image.size)
    maybe = np.zeros(image.size, int)
    return Frequencies(image, label, selected, maybe, shown, nothing, nothing, pair, worker, answer)


def test_a_pair_counts_in_its_own_campaign_alone():
    first = frequencies([(0, 0), (0, 1), (1, 0)], [(0, 0, YES), (0, 1, NO), (2, 0, NO)])
    # Of these the first pair was judged before, and the second was asked of nobody.
    later = frequencies(
        [(0, 0), (0, 1), (1, 2)],
        [(0, 2, YES), (1, 1, YES), (1, 2, NO), (2, 2, YES)],
    )
    third = frequencies([(0, 1), (1, 1)], [(0, 0, YES), (1, 0, YES)])
    study = Study(
        ["x", "y"],
        ["a", "b", "c"],
        ["u", "v", "w"],
        dataset_label=np.array([0, 0]),
        group=np.array([EASY, EASY]),
        asked=np.array([True, True]),
        contains=first,
        models={"new": Predictions(np.array([[1], [2]]), np.ones((2, 1)))},
    )
    before = r10(study).data["models"]["new"]
    assert (before["images"], before["not_judged"], before["bounds"]) == (0, 2, [0.0, 1.0])
    assert finding("R10", r10(study).plain()) == (
        "Workers select the dataset label with a mean frequency of 25.0 %. Workers were not shown"
        " new's first label on 2 of 2 images: its mean over all lies between 0.0 % and 100.0 %."
    )
    figure = r10(replace(study, added={"later": later, "third": third}))
    new = figure.data["models"]["new"]
    assert (new["images"], new["not_judged"], new["bounds"]) == (2, 0, [0.75, 0.75])
    assert new["mean_sf"].value == (1 / 2 + 1) / 2
    assert new["mean_sf"].panel.workers == 3  # who worked in both counts once
    assert figure.data["dataset_label"]["mean_sf"].value == (1 / 2 + 0) / 2
    assert "later, third" in figure.definition


def test_figures_on_first_labels_take_both_and_no_other_figure_does():
    made = pictures(4, 40)
    split = [{label: label > "b" for label in picture.pairs} for picture in made]
    parts = [
        [
            replace(each, pairs={a: said for a, said in each.pairs.items() if later[a] == part})
            for each, later in zip(made, split, strict=True)
        ]
        for part in (False, True)
    ]
    whole, first, later = (study_of(each) for each in (made, *parts))
    joined = figures_of(replace(first, added={"later": later.frequencies}))
    of_both, of_first = figures_of(whole), figures_of(first)
    for name, figure in joined.items():
        if name.startswith("B"):
            continue
        expected = (of_both if name in FROM_BOTH else of_first)[name]
        assert ("later one (later)" in figure["definition"]) == (name in FROM_BOTH)
        for key in ("data", "intervals", "without_interval"):
            assert figure[key] == expected[key]


@pytest.mark.django_db
def test_the_report_of_a_study_takes_what_was_asked_later():
    dataset = make_dataset(6, 6)
    first = make_campaign(dataset, slug="grid")
    work_through(first, make_workers(2))
    labels = list(dataset.labels.order_by("key"))
    new = Classifier.objects.create(dataset=dataset, name="new")
    for n, image in enumerate(dataset.images.order_by("key")):
        label = labels[(n + 3) % 6].pk
        Prediction.objects.create(classifier=new, image=image, labels=[label], scores=[1.0])
    added = Campaign.objects.create(
        slug="more",
        name="More",
        dataset=dataset,
        kind="contains",
        adds_to=first,
        candidates={"classifiers": ["new"]},
        workers_per_item=3,
    )
    assert not load_study(dataset, first, None).added
    publish(added, who="a test")
    work_through(added, make_workers(3)[1:], answer_no)
    study = load_study(dataset, *campaigns_of(dataset))
    assert campaigns_of(dataset) == campaigns_of(dataset, added) == (first, None)
    assert list(study.added) == ["more"]
    assert len(study.workers) == 3
    compared = comparison_of((first, None), (first, None))
    assert compared["a"]["workers"] == answers(study)["workers"] == 2  # as its report says
    found = r10(study).data["models"]["new"]
    assert (found["images"], found["not_judged"], found["mean_sf"].value) == (6, 0, 0.0)
    assert found["mean_sf"].panel.workers == 3
