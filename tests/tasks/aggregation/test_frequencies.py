"""Selection frequencies and their intervals (SF = selected / shown, over used answers)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation import selection_frequencies, wilson

NO, YES, MAYBE, UNSEEN = 0, 1, 2, -1


def test_it_counts_who_selected_and_who_was_shown():
    frequencies = selection_frequencies([0, 0, 0, 1], [YES, YES, NO, NO], 2)
    assert frequencies.selected.tolist() == [2, 0]
    assert frequencies.shown.tolist() == [3, 1]
    assert frequencies.sf.tolist() == [2 / 3, 0.0]


def test_maybe_is_shown_and_not_selected_and_kept_beside():
    frequencies = selection_frequencies([0, 0, 0, 0], [YES, MAYBE, MAYBE, NO], 1)
    assert (
        frequencies.selected[0],
        frequencies.maybe[0],
        frequencies.shown[0],
        frequencies.sf[0],
    ) == (1, 2, 4, 0.25)


def test_unseen_is_in_neither_number():
    frequencies = selection_frequencies([0, 0], [YES, UNSEEN], 1)
    assert (frequencies.selected[0], frequencies.shown[0], frequencies.sf[0]) == (1, 1, 1.0)


def test_a_pair_that_nobody_saw_has_no_frequency():
    frequencies = selection_frequencies([0, 2], [UNSEEN, YES], 3)
    assert frequencies.shown.tolist() == [0, 0, 1]
    assert np.isnan([frequencies.sf[:2], frequencies.low[:2], frequencies.high[:2]]).all()
    assert not np.isnan([frequencies.sf[2], frequencies.low[2], frequencies.high[2]]).any()


def test_no_judgments_give_empty_counts():
    frequencies = selection_frequencies([], [], 2)
    assert frequencies.shown.tolist() == [0, 0]
    assert selection_frequencies([], [], 0).sf.shape == (0,)


def test_narrow_types_do_not_overflow():
    pair = np.zeros(300, np.uint8)
    frequencies = selection_frequencies(pair, np.ones(300, np.int8), 1)
    assert frequencies.selected[0] == 300


@pytest.mark.parametrize(
    ("pair", "answer"), [([2], [1]), ([-1], [1]), ([0], [3]), ([0], [-2]), ([0, 1], [1])]
)
def test_it_refuses_indices_and_answers_out_of_range(pair, answer):
    with pytest.raises(ValueError, match=r"outside|every answer must be|same length"):
        selection_frequencies(pair, answer, 2)


def test_wilson_gives_published_limits():
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    low, high = wilson([81, 15, 0, 1], [263, 148, 20, 29])
    assert np.round(low, 4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert np.round(high, 4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_wilson_without_a_trial_knows_nothing():
    low, high = wilson([0], [0])
    assert (low[0], high[0]) == (0.0, 1.0)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(case):
    hits, trials = case
    low, high = wilson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    mirrored_low, mirrored_high = wilson(trials - hits, trials)
    assert low == pytest.approx(1 - mirrored_high)
    assert high == pytest.approx(1 - mirrored_low)
