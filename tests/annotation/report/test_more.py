"""B6: what would halve an interval, from the parts of its variance in plain sums."""

import numpy as np
import pytest

from annotation.report.document import figures_of
from annotation.report.figures.b6_more import Answers, b6
from annotation.report.figures.headlines import headlines
from tests.studies.made_up_studies import fewer_workers, pictures, study_of

MADE = pictures(24, 60)


@pytest.fixture(scope="module")
def study():
    return study_of(MADE)


def answers_of(picture, worker, kinds, label=None):
    """Among how many answers those of a worker on a picture stand: (m - 1) / m each."""
    m = []
    if "contains" in kinds:
        pairs = [picture.pairs.get(label, {})] if label else picture.pairs.values()
        m += [len(answers) for answers in pairs if worker in answers]
    if "classify" in kinds and worker in picture.responses:
        m.append(len(picture.responses))
    return [(each - 1) / each for each in m]


def noise(study, estimate, kinds, label_of=lambda picture: None):
    change, there = np.zeros((2, study.n, len(study.workers)))
    panel = estimate.panel
    there[panel.image, panel.worker] = 1
    change[panel.image[estimate.cell], panel.worker[estimate.cell]] = estimate.change
    total = 0.0
    for number, picture in enumerate(MADE):
        workers = np.flatnonzero(there[number])
        for worker in workers:
            apart = change[number, worker] - change[number, workers].mean()
            left = answers_of(picture, worker, kinds, label_of(picture))
            if abs(apart) > 1e-15:
                total += apart**2 * np.mean(left)
    return total


CASES = [
    ("R5/mean_share", ["classify"], None),
    ("R12/main_label/first/multi", ["classify"], None),
    ("B1/models/second/top_k/weighted", ["classify"], None),
    ("R7/thresholds/0.5/fraction_with_another", ["contains"], None),
    ("R16/contains/alpha", ["contains"], None),
    ("R17/difference_offered", ["contains", "classify"], None),
    ("R10/dataset_label/mean_sf", ["contains"], lambda picture: picture.dataset_label),
    ("B1/models/first/mean_sf/value", ["contains"], lambda picture: picture.tops["first"]),
]


@pytest.mark.parametrize(("pointer", "kinds", "label_of"), CASES, ids=[case[0] for case in CASES])
def test_factors_leave_a_quarter_of_the_variance(study, pointer, kinds, label_of):
    estimate = headlines(study)[pointer]
    found = b6(study).plain()["data"]["headlines"][pointer]
    c = noise(study, estimate, kinds, label_of or (lambda picture: None))
    assert Answers(study).noise(estimate) == pytest.approx(c, rel=1e-9)
    a = max(0.0, estimate.parts.images[0, 0] - c)
    b = max(0.0, estimate.parts.workers[0, 0] - estimate.parts.answers[0, 0])
    quarter = (a + b + c) / 4
    for name, left in {
        "images": lambda f: a / f + b + c / f,
        "new_workers": lambda f: a + b / f + c / f,
        "same_workers": lambda f: a + b + c / f,
        "all": lambda f: (a + b + c) / f,
    }.items():
        if found[name] is None:
            assert left(1e12) > quarter * (1 - 1e-9)
        else:
            assert left(found[name]) == pytest.approx(quarter, rel=1e-9)


def test_each_factor_is_there_where_it_can_be():
    rows = b6(study_of(pictures(27, 120))).plain()["data"]["headlines"]
    assert None not in rows["R5/mean_share"].values()
    assert {name for name, f in rows["R10/dataset_label/mean_sf"].items() if f} >= {"images", "all"}


def test_every_headline_that_has_an_interval_is_there(study):
    figures = figures_of(study)
    rows = figures["B6"]["data"]["headlines"]
    assert rows
    for key, row in rows.items():
        name, _, pointer = key.partition("/")
        assert (f"/{pointer}" in figures[name]["intervals"]) == (row["all"] is not None)
    assert {key.split("/")[0] for key in rows} == {
        *("R1", "R3", "R4", "R5", "R7", "R10", "R12", "R16", "R17", "B1")
    }


def test_a_figure_that_no_answer_moves_needs_images(study):
    row = b6(study).plain()["data"]["headlines"]["R3/models/first/settled"]
    assert row == {"images": 4, "new_workers": None, "same_workers": None, "all": 4}


def test_few_workers_do_not_say_what_more_would_do():
    figure = b6(study_of(fewer_workers(MADE, 9))).plain()
    rows = figure["data"]["headlines"]
    assert rows["R3/models/first/settled"]["all"] == 4
    assert set(rows["R5/mean_share"].values()) == {None}
    assert "10 workers" in figure["without_interval"]["/headlines/R5~1mean_share/all"]


def test_without_a_campaign_the_classifiers_alone_remain():
    study = study_of(MADE, contains=False, classify=False)
    assert set(headlines(study)) == set()
    assert "campaign" in b6(study).missing
