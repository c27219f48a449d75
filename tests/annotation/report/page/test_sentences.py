"""The page's sentences: each is made of the study's numbers, in words that fit them."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from annotation.report.arrays import Study
from annotation.report.page.abstract import abstract
from annotation.report.page.distrust import distrust
from annotation.report.page.methods import methods
from annotation.report.page.sources import bibtex
from tests.studies.made_up_reports import made_up_report
from tests.studies.made_up_studies import pictures, study_of

# A count of one with a plural, a missing number, an unfinished one, a number without its noun.
ODD = re.compile(
    r"\b1 (images|workers|objects|pairs|judgments|responses|classifiers)\b"
    r"|None\b(?! of)|nan|unknown|\(\)|  "
)


@cache
def studies() -> dict[str, Study]:
    made = pictures(5, 40)
    whole = study_of(made)
    single = [
        replace(each, responses={1: ("a", "a"), 2: ("a", "a")}, partition=["a"], offered="a")
        for each in made
    ]
    return {
        **{f"one image {seed}": study_of(pictures(seed, 1)) for seed in range(4)},
        "two images": study_of(pictures(3, 2)),
        "no several objects": study_of(single),
        "one classifier": replace(whole, models={"first": whole.models["first"]}),
        "no predictions": replace(whole, models={}),
        "no CLASSIFY": study_of(made, classify=False),
        "no CONTAINS": study_of(made, contains=False),
        "nothing": replace(whole, contains=None, classify=None),
        "whole": whole,
    }


def said(report: dict[str, Any]) -> dict[str, str]:
    """By what each doubt is about."""
    return dict(distrust(report))


@pytest.mark.parametrize("kind", studies())
def test_no_study_makes_odd_sentences(kind):
    report = made_up_report(studies()[kind])
    sentences = [*abstract(report), *said(report).values(), *methods(report)]
    assert 1 <= len(abstract(report)) <= 5
    for sentence in sentences:
        assert sentence.endswith("."), sentence
        assert not ODD.search(sentence), sentence


def test_one_image_is_spoken_of_as_one():
    (picture,) = pictures(1, 1)
    report = made_up_report(study_of([picture]))
    first, objects, labels, classifiers, _ = abstract(report)
    assert "for 1 image of small, and said in 2 responses which objects it shows" in first
    assert objects == "The one image that is settled shows a single object."
    assert labels.startswith("On the one image with enough judgments, workers select")
    right = sum(top == picture.dataset_label for top in picture.tops.values())
    assert classifiers == f"Its dataset label is named by {right or 'none'} of 2 classifiers."
    assert "on average" not in " ".join(abstract(report))


def test_no_image_with_several_objects():
    report = made_up_report(studies()["no several objects"])
    settled = report["study"]["populations"]["settled"]
    assert abstract(report)[1].startswith(f"None of the {settled} settled images shows more than")


def test_what_was_not_asked_is_said():
    assert abstract(made_up_report(studies()["no CLASSIFY"]))[1] == (
        "How many objects the images show was not asked."
    )
    assert "No classifier's predictions were measured." in abstract(
        made_up_report(studies()["no predictions"])
    )
    one = " ".join(abstract(made_up_report(studies()["one classifier"])))
    assert "Of 1 classifier" not in one
    assert "first names the dataset label on" in one


def test_where_followed_up_images_lack_answers_the_weighted_share_comes_first():
    report = made_up_report(studies()["whole"])
    fraction = report["figures"]["R1"]["data"]["fraction_multi"]
    fraction |= {"weighted": 0.125, "of_settled": 0.25}
    report["figures"]["R1"]["intervals"] = {}
    report["study"]["answers"]["groups"]["fu"] = {"images": 9, "answered": 9}
    assert abstract(report)[1].startswith("25.0 % of the")
    report["study"]["answers"]["groups"]["fu"]["answered"] = 8
    assert abstract(report)[1].startswith("An estimated 12.5 % of images show more than one object")
    assert (
        "1 image of the 9 to be followed up had no answer" in said(report)["Not answered"].lower()
    )


def test_a_difference_whose_interval_holds_zero_may_be_chance():
    report = made_up_report(studies()["whole"])
    figure = report["figures"]["R17"]
    for value, interval, words in (
        (0.25, [-0.5, 1.0], "0.25 (-0.50 to 1.00), which may be chance"),
        (0.25, [0.125, 0.375], "People accept more when asked one by one"),
        (-0.25, [-0.375, -0.125], "People accept more when asked together"),
    ):
        figure["data"]["difference_offered"] = value
        figure["intervals"]["/difference_offered"] = interval
        assert words in said(report)["The question"]


def test_the_two_intervals_of_one_and_several_objects_are_compared():
    report = made_up_report(studies()["one classifier"])
    figure = report["figures"]["R3"]
    figure["data"]["models"]["first"] |= {"single": 0.75, "multi": 0.5}
    for ends, overlaps in (([0.4, 0.6], False), ([0.4, 0.71], True)):
        figure["intervals"] |= {
            "/models/first/single": [0.7, 0.8],
            "/models/first/multi": ends,
        }
        assert ("intervals overlap" in abstract(report)[3]) == overlaps


def test_doubts_that_do_not_apply_are_not_raised():
    report = made_up_report(studies()["whole"])
    assert "Posterior" not in said(report)
    assert "Few answers" not in said(report)
    assert "14 workers answered" in said(report)["Few workers"]
    assert "92 to 93 (R16's alpha) and 82 to 90 (B1's real) had" in said(report)["Few workers"]
    report["study"]["answers"]["workers"] = 9
    assert "no interval" in said(report)["Few workers"]
    report["study"]["answers"]["workers"] = 400
    assert "Few workers" not in said(report)
    report["study"]["settings"]["contains"]["workers_per_item"] = 4
    assert "of a pair or an image, shares" in said(report)["Few answers"]
    assert "simulated" not in said(report)["Few answers"]
    report["study"]["settings"]["contains"]["workers_per_item"] = 3
    assert "For three answers they held in 93 to 99" in said(report)["Few answers"]
    assert "With 3 answers" in said(report)["Few answers"]
    report["figures"]["R15"]["data"]["posterior"] = {
        "tau": 0.7,
        "iterations": 10000,
        "converged": False,
        "largest_change": 3e-4,
    }
    assert (
        "after 10,000 steps; the last of them still moved one by 0.0003"
        in (said(report)["Posterior"])
    )


def test_predictions_that_nobody_was_shown_are_bounded():
    report = made_up_report(studies()["whole"])
    report["figures"]["R10"]["data"]["models"] = {
        "few": {"images": 99, "not_judged": 1, "bounds": [0.5, 0.51], "mean_sf": 0.5},
        "many": {"images": 60, "not_judged": 40, "bounds": [0.3, 0.7], "mean_sf": 0.5},
    }
    text = said(report)["Not judged"]
    assert "many on 40 of 100 images (the most of 2 classifiers)" in text
    assert "would be 30.0 %, were all right, 70.0 %" in text


def test_rare_labels_are_told_by_the_judgments_on_them():
    report = made_up_report(studies()["whole"])
    band = {"sections": 1, "expected": 0.5}
    report["study"]["prevalence"] = [
        band | {"above": 0.0, "up_to": 0.05, "observed": 0.0, "shown": 100},
        band | {"above": 0.05, "up_to": 0.1, "observed": 0.5, "shown": 50},
        band | {"above": 0.5, "up_to": 1.0, "observed": 1.0, "shown": 50},
        band | {"above": 0.25, "up_to": 0.5, "observed": None, "shown": 0},
    ]
    text = said(report)["Rare labels"]
    assert text.startswith("75 % of judgments")
    assert "selected 16.7 %" in text


def test_methods_and_sources_are_those_of_the_study():
    report = made_up_report(studies()["whole"], min_judgments=4, round_size=2)
    text = " ".join(methods(report))
    pairs = report["study"]["answers"]["contains"]["pairs"]
    assert f"({pairs:,} pairs of an image and a label, {pairs / 40:.1f} an image)" in text
    assert "5 distinct workers were wanted (yes or no), asked in rounds of 2" in text
    assert "at least 4 judgments and a rival of at least half of its" in text
    report["study"]["added"] = ["later"]
    assert "and where B1, B3 and B6 go by R10 (campaign later)." in " ".join(methods(report))
    alone = " ".join(methods(made_up_report(studies()["no CONTAINS"])))
    assert "CONTAINS" not in alone
    assert "rival" not in alone
    assert "tsipras2020imagenet" in bibtex(report)
    assert "krippendorff" in bibtex(report)
    assert "kleinman" not in bibtex(made_up_report(studies()["no CLASSIFY"]))


def test_counts_of_answers_by_plain_loops():
    made = pictures(7, 30)
    found = made_up_report(study_of(made))["study"]["answers"]
    judged = [answer for each in made for answers in each.pairs.values() for answer in answers]
    responses = [answer for each in made for answer in each.responses.values()]
    assert found["contains"]["judgments"] == len(judged)
    assert found["classify"]["responses"] == len(responses)
    assert found["classify"]["none_of_these"] == sum(not selected for selected, _ in responses)
    assert found["workers"] == len(set().union(*(each.workers for each in made)))
    easy = [each for each in made if each.is_easy]
    assert found["groups"]["easy"] == {
        "images": len(easy),
        "answered": sum(bool(each.responses) for each in easy),
    }
    assert isinstance(found["workers"], int | np.integer)
