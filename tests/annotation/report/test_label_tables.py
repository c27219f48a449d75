"""Labels and pairs of labels kept with a report: its own numbers, and picture by picture."""

from collections import Counter

import pytest

from annotation.report.figures.r02_beside import r2
from annotation.report.figures.r09_pairs import r9
from annotation.report.figures.r13_classes import r13
from annotation.report.label_tables import (
    accepted_pairs,
    confused_pairs,
    label_rows,
    pairs_beside,
    renamed_pairs,
)
from tasks.models.label_results import FEW_IMAGES
from tests.studies.made_up_studies import pictures, study_of


@pytest.fixture(scope="module")
def made():
    return pictures(200, 120)


@pytest.fixture(scope="module")
def study(made):
    return study_of(made)


def test_accepted_pairs_begin_as_the_reports_list(study):
    told = [
        (row.a, row.b, row.images, row.of, row.one_object)
        for row in accepted_pairs(study)
        if row.images >= FEW_IMAGES
    ]
    top = r9(study).numbers["top"]
    assert told[:30] == [
        (each["a"], each["b"], each["both"], each["images"], each["one_object"]) for each in top
    ]
    assert len(told) == r9(study).numbers["pairs"]
    one = [row for row in accepted_pairs(study) if row.one_object and row.one_object >= 0.5]
    assert confused_pairs(study) == one != []


def test_objects_beside_begin_as_the_reports_list(study):
    told = [(row.a, row.b, row.images, row.of) for row in pairs_beside(study)]
    figure = r2(study).numbers
    assert told[: len(figure["top"])] == [
        (each["dataset_label"], each["other"], each["images"], each["of"]) for each in figure["top"]
    ]
    assert (len(told), sum(row[2] for row in told)) == (figure["pairs"], figure["images"])


def test_another_main_label_is_counted_picture_by_picture(made, study):
    answered = [p for p in made if p.responses and p.dataset_label]
    of = Counter(p.dataset_label for p in answered)
    mains = [(p.dataset_label, p.main_label) for p in answered if p.main_label]
    wanted = Counter(pair for pair in mains if pair[0] != pair[1])
    rows = renamed_pairs(study)
    assert {(row.a, row.b): (row.images, row.of) for row in rows} == {
        pair: (number, of[pair[0]]) for pair, number in wanted.items()
    }
    first = rows[0]
    keys = [p.key for p in answered if (p.dataset_label, p.main_label) == (first.a, first.b)]
    assert first.pictures_a == keys[:6] != []
    assert first.pictures_b == []


def test_labels_have_the_reports_figures_and_what_is_said_besides(made, study):
    rows = {row.label: row for row in label_rows(study)}
    classes = {each["label"]: each for each in r13(study).numbers["classes"]}
    assert rows.keys() == classes.keys()
    for label, row in rows.items():
        told = classes[label]
        assert (row.images, row.sf) == (told["images"], told["sf"])
        assert (row.followed_up, row.agreement) == (told["fu"], told["agreement"])
        for name, model in row.classifiers.items():
            assert model["right"] / model["of"] == pytest.approx(told["models"][name]["accuracy"])
    a = [p for p in made if p.dataset_label == "a"]
    votes = Counter(main for p in a for _, main in p.responses.values() if main)
    said = {
        label: [answer for p in a for answer in p.pairs.get(label, {}).values()]
        for label in "bcdef"
    }
    besides = {other["label"]: other for other in rows["a"].others}
    assert rows["a"].own_votes == votes["a"]
    assert rows["a"].responses == sum(len(p.responses) for p in a)
    for label, other in besides.items():
        assert other["main_votes"] == votes[label]
        assert other["selected"] == sum(answer == 1 for answer in said[label])
        assert other["shown"] == len(said[label])
    order = [other["main_votes"] for other in rows["a"].others]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("missing", ["contains", "classify"])
def test_either_campaign_may_be_missing(made, missing):
    study = study_of(made, **{missing: False})
    assert label_rows(study)
    assert bool(accepted_pairs(study)) == (missing != "contains")
    assert bool(renamed_pairs(study)) == bool(pairs_beside(study)) == (missing != "classify")
