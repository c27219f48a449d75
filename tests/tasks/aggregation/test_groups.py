"""The four groups of images after CONTAINS, and the order in which they are tested."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation import image_groups
from tasks.aggregation.groups import reaches


def group(own, *others, min_judgments=5, **settings):
    """The group of one image; `own` and `others` are (selected, shown), own None without label."""
    pairs = ([own] if own else []) + list(others)
    flags = ([True] if own else []) + [False] * len(others)
    selected, shown = zip(*pairs, strict=True) if pairs else ((), ())
    image = [0] * len(pairs)
    settings["min_judgments"] = min_judgments
    return image_groups(image, flags, selected, shown, 1, **settings)[0]


def test_too_few_judgments_of_the_dataset_label_are_amb():
    assert group((4, 4), (0, 9)) == "amb"
    assert group((5, 5), (0, 9)) == "easy"


def test_amb_is_tested_before_mis():
    assert group((0, 4), (9, 9)) == "amb"


def test_a_dataset_label_that_nobody_selected_is_mis():
    assert group((0, 9), (9, 9)) == "mis"
    assert group((0, 9), (0, 9)) == "mis"


def test_no_rival_is_easy():
    assert group((8, 8), (3, 8), (0, 8)) == "easy"
    assert group((9, 9)) == "easy"


def test_a_rival_with_exactly_half_is_follow_up():
    assert group((8, 8), (4, 8)) == "fu"
    assert group((8, 9), (4, 9)) == "fu"
    assert group((9, 9), (4, 9)) == "easy"


def test_rivals_are_compared_by_frequency_not_by_count():
    assert group((8, 8), (3, 5)) == "fu"
    assert group((6, 6), (4, 9)) == "easy"


def test_a_rival_that_nobody_saw_reaches_nothing():
    assert group((5, 9), (0, 0)) == "easy"


@pytest.mark.parametrize(
    ("share", "own", "rival", "expected"),
    [
        (0.75, (8, 8), (6, 8), "fu"),
        (0.75, (8, 8), (5, 8), "easy"),
        (1.0, (7, 9), (7, 9), "fu"),
        (1.0, (7, 9), (6, 8), "easy"),
        (0.6, (5, 5), (3, 5), "fu"),
        ("1/3", (9, 9), (1, 3), "fu"),
        (Fraction(1, 3), (3, 9), (1, 9), "fu"),
    ],
)
def test_other_shares_are_exact_too(share, own, rival, expected):
    assert group(own, rival, min_relative_sf=share) == expected


def test_without_a_dataset_label_any_selection_is_follow_up():
    assert group(None, (1, 9), (0, 9)) == "fu"
    assert group(None, (0, 9)) == "amb"
    assert group(None) == "amb"


def test_a_dataset_label_without_a_pair_is_amb():
    assert group(None, (9, 9), has_dataset_label=[True]) == "amb"


def test_images_are_kept_apart_whatever_the_order_of_pairs():
    image = np.array([0, 1, 0, 2, 1, 3])
    own = np.array([True, True, False, True, False, False])
    selected = np.array([8, 8, 5, 0, 1, 2])
    shown = np.full(6, 8)
    expected = ["fu", "easy", "mis", "fu"]
    for order in (np.arange(6), np.arange(6)[::-1], np.array([3, 1, 5, 0, 4, 2])):
        columns = (column[order] for column in (image, own, selected, shown))
        assert image_groups(*columns, 4, min_judgments=5).tolist() == expected


def test_two_dataset_labels_are_refused():
    with pytest.raises(ValueError, match="image 0 has more than one"):
        image_groups([0, 0], [True, True], [1, 1], [9, 9], 1, min_judgments=5)


@pytest.mark.parametrize("share", [0, -0.5])
def test_a_share_must_be_above_zero(share):
    with pytest.raises(ValueError, match="above 0"):
        group((8, 8), (1, 8), min_relative_sf=share)


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts, st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.75, 1.0, 0.123456789012]))
def test_reaching_is_what_fractions_say(one, reference, share):
    exact = Fraction(*one) >= Fraction(str(share)) * Fraction(*reference)
    assert reaches([one[0]], [one[1]], [reference[0]], [reference[1]], share)[0] == exact


def test_reaching_is_exact_where_integers_would_overflow():
    big = 3 * 10**9
    assert reaches([big], [big], [big], [big], 1.0)[0]
    assert not reaches([big - 1], [big], [big], [big], 1.0)[0]
