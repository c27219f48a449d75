"""Worker skill: control accuracy, its interval, peers as controls, and who may be stopped."""

import numpy as np
import pytest

from tasks.aggregation import (
    control_skill,
    may_be_stopped,
    peer_controls,
    skill_of_counts,
    wilson,
)

NO, YES, MAYBE, UNSEEN = 0, 1, 2, -1


def one(present, answer):
    skill = control_skill(np.zeros(len(answer), int), present, answer, 1)
    return {name: float(column[0]) for name, column in skill._asdict().items()}


def test_sensitivity_and_specificity_are_shares_of_positives_and_negatives():
    skill = one([1, 1, 1, 1, 0, 0], [YES, YES, YES, NO, NO, YES])
    assert (skill["positives"], skill["negatives"]) == (4, 2)
    assert (skill["sensitivity"], skill["specificity"]) == (0.75, 0.5)
    assert skill["accuracy"] == 0.625


@pytest.mark.parametrize("answer", [NO, YES])
def test_who_always_gives_one_answer_scores_a_half(answer):
    assert one([1] * 9 + [0] * 3, [answer] * 12)["accuracy"] == 0.5


def test_maybe_is_not_selected_and_unseen_is_no_judgment():
    skill = one([1, 1, 0, 0, 1], [MAYBE, YES, MAYBE, NO, UNSEEN])
    assert (skill["positives"], skill["negatives"]) == (2, 2)
    assert (skill["sensitivity"], skill["specificity"]) == (0.5, 1.0)


def test_items_of_unknown_content_are_in_no_number():
    skill = one([-1, -1, 1], [YES, NO, YES])
    assert (skill["positives"], skill["negatives"]) == (1, 0)


def test_workers_are_kept_apart():
    skill = control_skill([0, 1, 1, 3], [1, 1, 0, 0], [YES, NO, NO, YES], 4)
    assert skill.sensitivity.tolist() == [1, 0, 0.5, 0.5]
    assert skill.specificity.tolist() == [0.5, 1, 0.5, 0]


def test_without_controls_nothing_is_known():
    skill = one([], [])
    assert (skill["accuracy_low"], skill["accuracy"], skill["accuracy_high"]) == pytest.approx(
        (0.5 - np.sqrt(0.5) / 2, 0.5, 0.5 + np.sqrt(0.5) / 2)
    )
    assert (skill["sensitivity_low"], skill["sensitivity_high"]) == (0, 1)


def test_the_interval_of_the_mean_combines_both_intervals():
    skill = skill_of_counts([45], [50], [8], [40])
    low, high = wilson([45, 32], [50, 40])
    assert skill.accuracy[0] == pytest.approx(0.85)
    assert skill.accuracy_low[0] == pytest.approx(
        0.85 - np.sqrt((0.9 - low[0]) ** 2 + (0.8 - low[1]) ** 2) / 2
    )
    assert skill.accuracy_high[0] == pytest.approx(
        0.85 + np.sqrt((high[0] - 0.9) ** 2 + (high[1] - 0.8) ** 2) / 2
    )


def test_the_interval_covers_the_truth_in_95_of_100_cases():
    rng = np.random.default_rng(0)
    hits = rng.binomial(20, 0.85, 20_000)
    alarms = rng.binomial(15, 1 - 0.7, 20_000)
    skill = skill_of_counts(hits, np.full(20_000, 20), alarms, np.full(20_000, 15))
    covered = (skill.accuracy_low <= 0.775) & (skill.accuracy_high >= 0.775)
    assert 0.935 < covered.mean() < 0.975


def test_nobody_is_stopped_before_half_of_the_items_of_each_kind():
    enough = skill_of_counts([0, 0, 0], [10, 9, 10], [10, 10, 9], [10, 10, 9])
    assert may_be_stopped(enough, 0.5, 20).tolist() == [True, False, False]


def test_nobody_is_stopped_unless_the_upper_limit_is_too_low():
    skill = skill_of_counts([6, 60], [10, 100], [4, 40], [10, 100])
    assert skill.accuracy.tolist() == [0.6, 0.6]
    assert may_be_stopped(skill, 0.7, 20).tolist() == [False, True]


def test_three_agreeing_others_make_a_control():
    assert peer_controls([0, 0, 0, 0], [YES, YES, YES, NO], 1).tolist() == [-1, -1, -1, 1]
    assert peer_controls([0, 0, 0], [YES, YES, YES], 1).tolist() == [-1, -1, -1]
    assert peer_controls([0] * 4, [NO] * 4, 1).tolist() == [0, 0, 0, 0]


def test_others_who_did_not_see_or_say_maybe():
    assert peer_controls([0] * 5, [NO, NO, NO, YES, UNSEEN], 1).tolist() == [-1, -1, -1, 0, -1]
    assert peer_controls([0] * 5, [NO, NO, NO, YES, MAYBE], 1).tolist() == [-1] * 5
    assert peer_controls([0] * 4, [NO, NO, NO, MAYBE], 1).tolist() == [-1, -1, -1, 0]


def test_pairs_are_kept_apart():
    pair = [0, 1, 0, 1, 0, 1, 0, 1]
    answer = [YES, NO, YES, NO, YES, NO, YES, NO]
    assert peer_controls(pair, answer, 2).tolist() == [1, 0] * 4
