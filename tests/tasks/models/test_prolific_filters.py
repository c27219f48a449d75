"""Prolific's filters: all that its API takes, one clear error for what it does not, and words."""

import pytest

from tasks.models.prolific_filters import DEEPEST, in_words, wrong_filters


def age(lower=None, upper=None, **more) -> dict:
    bounds = {"lower": lower, "upper": upper}
    chosen = {name: bound for name, bound in bounds.items() if bound is not None}
    return {"filter_id": "age", "selected_range": chosen, **more}


def sex(*values: str, **more) -> dict:
    return {"filter_id": "sex", "selected_values": list(values), **more}


def group(word: str, *filters: dict, **more) -> dict:
    return {"filter_id": word, "selected_filters": list(filters), **more}


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ([], ""),
        ([age(18, 30)], "age from 18 to 30"),
        ([age(upper=30.5), sex("0", "1")], "age to 30.5, and sex 0 or 1"),
        ([group("or", age(18, 30), age(50, 65))], "age from 18 to 30, or age from 50 to 65"),
        (
            [sex("1"), group("or", group("and", age(18), sex("0")), age(upper=9))],
            "sex 1, and ((age from 18, and sex 0), or age to 9)",
        ),
        ([sex("0", "1", weightings={"0": 1, "1": 2.5})], "sex 0 or 1, weighted"),
        (
            [
                age(
                    18,
                    50,
                    weightings={
                        "0": {"selected_range": {"lower": 18, "upper": 30}, "weighting": 1},
                        "1": {"selected_range": {"lower": 31, "upper": 50}, "weighting": 0},
                    },
                )
            ],
            "age from 18 to 50, weighted",
        ),
        (
            [{"filter_id": "joined", "selected_range": {"lower": "2024-01-31", "upper": None}}],
            "joined from 2024-01-31",
        ),
    ],
)
def test_what_the_api_takes_is_taken_and_told_in_words(filters, words):
    assert wrong_filters(filters) is None
    assert in_words(filters) == words


@pytest.mark.parametrize(
    ("filters", "where", "why"),
    [
        ({}, "", "a list"),
        (["age"], "0", "an object"),
        ([{"selected_values": ["1"]}], "0.filter_id", "name a filter"),
        ([{"filter_id": "age"}], "0", "selected_values or selected_range"),
        ([{**age(1, 2), **sex("1")}], "0", "selected_values or selected_range"),
        ([{**sex("1"), "values": []}], "0.values", "no filter has"),
        ([sex()], "0.selected_values", "list of ids"),
        ([{"filter_id": "sex", "selected_values": [1]}], "0.selected_values", "as texts"),
        ([sex("1", "1")], "0.selected_values", "twice"),
        ([sex("1", weightings={"1": -1})], "0.weightings", "weights"),
        ([sex("1", weightings={"1": 0})], "0.weightings", "weights"),
        ([sex("1", weightings=[1])], "0.weightings", "weights"),
        ([age()], "0.selected_range", "lower, upper or both"),
        ([age(True, 3)], "0.selected_range", "numbers or dates"),
        ([age("soon")], "0.selected_range", "numbers or dates"),
        ([age("2024-01-01", 3)], "0.selected_range", "both"),
        ([age(60, 18)], "0.selected_range", "nobody is from 60 to 18"),
        ([age(18, 60, weightings={"0": {"weighting": 1}})], "0.weightings", "a selected_range"),
        (
            [age(1, 9, weightings={"0": {"selected_range": {}, "weighting": 1}})],
            "0.weightings.0.selected_range",
            "lower",
        ),
        ([group("or")], "0.selected_filters", "at least one"),
        ([group("xor", sex("1"))], "0", "whose filter_id is and or or"),
        ([group("or", sex("1"), weightings={})], "0.weightings", "a group has none"),
        ([{**group("or", sex("1")), **sex("1"), "filter_id": "or"}], "0.selected_values", "group"),
        (
            [sex("1"), group("or", sex("1"), group("and", age(3, 2)))],
            "1.selected_filters.1.selected_filters.0.selected_range",
            "nobody is from 3 to 2",
        ),
        ([age(18, 30), sex("1"), age(50, 65)], "2", "nobody passes this and the one at 0"),
        (
            [group("and", age(upper=9), age(10))],
            "0.selected_filters.1",
            "the one at 0.selected_filters.0: put both in a group whose filter_id is or",
        ),
    ],
)
def test_anything_else_is_one_error_that_names_the_place(filters, where, why):
    at, sentence = wrong_filters(filters)
    assert at == where
    assert why in sentence.lower()


def test_groups_stand_in_each_other_as_deep_as_anybody_needs():
    deep = sex("1")
    for _ in range(DEEPEST):
        deep = group("or", deep)
    assert wrong_filters([deep]) is None
    assert "deep" in wrong_filters([group("or", deep)])[1]
