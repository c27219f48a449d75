"""The report of small studies: each figure there or missing, each number with its interval."""

import json
import re

import pytest

from annotation.report.document import figures_of
from annotation.report.figures import FIGURES
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
