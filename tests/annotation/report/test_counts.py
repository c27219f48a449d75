"""What figures count, picture by picture: histograms, tables and lists, which have no intervals."""

from collections import Counter
from fractions import Fraction

import pytest

from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r07_rivals import r7
from annotation.report.figures.r08_labels import r8
from annotation.report.figures.r10_selection import r10
from annotation.report.figures.r11_wrong import r11
from annotation.report.figures.r14_superclasses import r14
from tests.studies.made_up_studies import SUPERCLASSES, pictures, study_of


@pytest.fixture(scope="module", params=range(2))
def made(request):
    return pictures(200 + request.param, 120)


@pytest.fixture(scope="module")
def study(made):
    return study_of(made)


def counted(values):
    return {str(value): n for value, n in sorted(Counter(values).items())}


def selected(picture, label):
    return sum(said == 1 for said in picture.pairs.get(label, {}).values())


def test_numbers_of_objects(made, study):
    found = r1(study).data
    of_fu = [p.num_objects for p in made if p.is_fu]
    settled = of_fu + [1 for p in made if p.is_easy]
    assert found["histogram_follow_up"] == counted(of_fu)
    assert found["histogram_settled"] == counted(settled)
    assert found["multi_object"] == sum(n > 1 for n in settled)


def test_votes_for_the_dataset_label(made, study):
    found = r5(study).data
    fu = [p for p in made if p.is_fu and p.dataset_label]
    votes = [
        Fraction(sum(main == p.dataset_label for _, main in p.responses.values()), len(p.responses))
        for p in fu
    ]
    tenths = Counter(min(9, int(10 * share)) for share in votes)
    assert found["share_tenths"] == [tenths[tenth] for tenth in range(10)]
    assert found["nobody"] == votes.count(0) > 0
    assert found["main_label_is_dataset_label"] == sum(p.main_label == p.dataset_label for p in fu)
    assert found["gallery"] == [p.key for p in fu if p.disagrees]
    assert found["disagreements"] == len(found["gallery"]) > 0


@pytest.mark.parametrize("t", ["0.5", "0.75", "1.0"])
def test_labels_selected_nearly_as_often(made, study, t):
    figure = r7(study)
    judged = [p for p in made if p.sf(p.dataset_label) is not None]  # one judgment is enough
    primary = [p for p in judged if selected(p, p.dataset_label)]
    sizes = []
    for picture in primary:
        least = Fraction(t) * frequency(picture, picture.dataset_label)
        sizes.append(
            sum(len(said) > 0 and frequency(picture, label) >= least
                for label, said in picture.pairs.items())
        )  # fmt: skip
    found = figure.data["thresholds"][t]
    assert found["histogram"] == counted(sizes)
    assert found["images_with_another"] == sum(size > 1 for size in sizes)
    assert figure.n == len(primary)
    assert figure.data["left_out"] == {
        "too_few": sum(p.dataset_label is not None for p in made) - len(judged),
        "never_selected": len(judged) - len(primary),
    }


def frequency(picture, label):
    return Fraction(selected(picture, label), len(picture.pairs[label]))


def test_labels_by_objects_and_by_labels_offered(made, study):
    found = r8(study).data
    fu = [p for p in made if p.is_fu]
    two = {p.key: sum(selected(p, label) >= 2 for label in p.pairs) for p in fu}
    rounded = {
        p.key: int(Fraction(sum(p.chosen.values()), len(p.responses)) + Fraction(1, 2)) for p in fu
    }
    pairs = {
        "by_num_objects": [(two[p.key], p.num_objects) for p in fu],
        "by_mean_selected": [(two[p.key], rounded[p.key]) for p in fu],
        "main_by_offered": [(len(p.offered), len(p.mains)) for p in fu],
        "main_by_offered_single": [(len(p.offered), len(p.mains)) for p in fu if p.is_single],
    }
    for name, values in pairs.items():
        assert found[name] == {f"{x},{y}": n for (x, y), n in Counter(values).items()}, name


def test_first_labels_that_were_shown(made, study):
    found = r10(study).data["models"]
    wrong = r11(study).data["models"]
    for name in ("first", "second"):
        predicted = [(p, p.tops[name]) for p in made if p.tops[name]]
        judged = [(p, label) for p, label in predicted if p.sf(label) is not None]
        total = sum(p.sf(label) for p, label in judged)
        unjudged = len(predicted) - len(judged)
        assert found[name]["not_judged"] == unjudged > 0
        assert found[name]["not_predicted"] == len(made) - len(predicted)
        ends = [total / len(predicted), (total + unjudged) / len(predicted)]
        assert found[name]["bounds"] == pytest.approx(ends)

        errors = [(p, top) for p, top in judged if p.dataset_label and p.dataset_label != top]
        both = [(p, top) for p, top in errors if p.sf(p.dataset_label) is not None]
        fifths = Counter(min(4, int(5 * frequency(p, top))) for p, top in errors)
        assert wrong[name]["fifths"] == [fifths[fifth] for fifth in range(5)]
        assert wrong[name]["wrong"] == len(errors)
        assert wrong[name]["never_selected"] == sum(not selected(p, top) for p, top in errors)
        assert wrong[name]["with_both"] == len(both)
        assert wrong[name]["at_least_dataset_labels_sf"] == sum(
            frequency(p, top) >= frequency(p, p.dataset_label) for p, top in both
        )


def test_superclasses(made, study):
    figure = r14(study).data
    kinds = sorted(set(SUPERCLASSES.values()))

    def matrix(pairs):
        cells = Counter((SUPERCLASSES.get(a), SUPERCLASSES.get(b)) for a, b in pairs)
        return [[cells[a, b] for b in kinds] for a in kinds]

    settled = [
        (p.dataset_label, p.dataset_label if p.is_easy else p.main_label)
        for p in made
        if p.is_settled
    ]
    assert figure["human"] == matrix(settled)
    assert figure["models"]["first"] == matrix((p.dataset_label, p.tops["first"]) for p in made)
    together = Counter()
    for picture in made:
        if picture.is_multi:
            named = Counter(SUPERCLASSES.get(name) for name in picture.names)
            for a in kinds:
                for b in kinds:
                    together[a, b] += named[a] > (a == b) and named[b] > 0
    assert figure["co_occurrence"] == [[together[a, b] for b in kinds] for a in kinds]
