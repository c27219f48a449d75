"""The report of small studies: each figure there or missing, each number with its interval."""

import json
import re

import pytest

from annotation.report.document import figures_of
from annotation.report.figures import FIGURES
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r05_main_object import r5
from tests.studies.made_up_studies import at, pictures, study_of

NEED_CLASSIFY = {"R1", "R2", "R4", "R5", "R6", "R8", "R12", "R17", "B4", "B5"}
NEED_CONTAINS = {"R7", "R9", "R10", "R11", "R15", "R17"}


@pytest.mark.parametrize("images", [1, 2, 40])
@pytest.mark.parametrize("seed", range(3))
def test_every_number_is_plain_and_lies_in_its_interval(images, seed):
    figures = figures_of(study_of(pictures(seed, images)))
    assert list(figures) == list(FIGURES)
    again = json.loads(json.dumps(figures, allow_nan=False))
    for figure in again.values():
        assert figure["missing"] is None
        for pointer, (low, high) in figure["intervals"].items():
            assert low <= at(figure["data"], pointer) <= high
        assert not figure["intervals"].keys() & figure["without_interval"].keys()
        assert all(figure["without_interval"].values())
        if figure["finding"] is not None:
            assert figure["finding"].endswith(".")
            assert "nan" not in figure["finding"].lower()
            assert "None" not in figure["finding"]


@pytest.mark.parametrize("missing", ["contains", "classify"])
def test_a_missing_campaign_leaves_out_just_its_figures(missing):
    figures = figures_of(study_of(pictures(5, 40), **{missing: False}))
    needing = NEED_CONTAINS if missing == "contains" else NEED_CLASSIFY
    left_out = {name for name, figure in figures.items() if figure["missing"]}
    assert left_out == needing
    for name in left_out:
        assert missing.upper() in figures[name]["missing"]
        assert figures[name]["data"] is None
        assert figures[name]["finding"] is None


def test_a_classifiers_name_may_hold_what_pointers_are_made_of():
    made = pictures(3, 60)
    plain = figures_of(study_of(made))
    for picture in made:
        picture.tops = {f"org/net~{name}": label for name, label in picture.tops.items()}
    named = figures_of(study_of(made))
    for name, figure in plain.items():
        wanted = {
            re.sub(r"/(first|second)(?=/)", r"/org~1net~0\1", f"{pointer}/")[:-1]
            for pointer in figure["intervals"]
        }
        assert named[name]["intervals"].keys() == wanted
        found = (named[name]["finding"] or "").replace("org/net~", "")
        assert found == (figure["finding"] or "")


def test_findings_are_made_of_the_numbers():
    made = pictures(3, 60)
    figures = figures_of(study_of(made))
    several = sum(picture.is_fu and picture.num_objects > 1 for picture in made)
    low, high = figures["R1"]["intervals"]["/fraction_multi/of_settled"]
    share = figures["R1"]["data"]["fraction_multi"]["of_settled"]
    assert figures["R1"]["finding"] == (
        f"{several} images show more than one object: {100 * share:.1f} %"
        f" ({100 * low:.1f} to {100 * high:.1f}) of those settled."
    )


def test_where_images_are_not_answered_a_weighted_estimate_goes_first():
    made = pictures(3, 60)
    next(picture for picture in made if picture.is_fu and picture.asked).responses = {}
    figures = figures_of(study_of(made))
    for name, group, of in (
        ("R1", "fraction_multi", None),
        ("R3", "models", "all"),
        ("R4", "any_label", "settled"),
        ("R12", "main_label", "fu"),
    ):
        data = figures[name]["data"]
        assert data["fu_not_answered"] == 1
        shares = data[group] if of is None else max(data[group].values(), key=lambda m: m[of])
        share = 100 * shares["weighted"]
        sentence = figures[name]["finding"]
        assert f"n estimated {share:.1f} %" in sentence, sentence
        assert sentence.count("%") > 1
        assert sentence.index("estimated") < sentence.index("%")


def test_equal_choices_leave_a_range_of_disagreements(studies):
    for made, study in studies:
        few, most = r5(study).data["disagreements_range"]
        assert few <= r5(study).data["disagreements"] <= most
        fu = [picture for picture in made if picture.is_fu and picture.asked]
        assert r1(study).data["equal_cuts"] == sum(picture.equals[0] for picture in fu)
        labelled = [each for each in fu if each.dataset_label and not each.unparted]
        assert [few, most] == [sum(each.equals[end] for each in labelled) for end in (1, 2)]
