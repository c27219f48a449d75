"""Which images CLASSIFY asks about and which labels it offers."""

import numpy as np
import pytest

from tasks.aggregation import Candidate, labels_to_offer, labels_without_source, sample_groups


def own(label, selected=0, shown=9, **more):
    return Candidate(label, selected, shown, is_dataset_label=True, **more)


def other(label, selected=0, shown=9, **more):
    return Candidate(label, selected, shown, **more)


def test_labels_with_half_of_the_dataset_labels_frequency_are_offered():
    candidates = [own("a", 8, 8), other("b", 4, 8), other("c", 3, 8), other("d", 6, 8)]
    assert labels_to_offer(candidates) == ["a", "d", "b"]


def test_the_share_is_a_setting_and_exact():
    candidates = [own("a", 3, 9), other("b", 1, 9), other("c", 1, 8)]
    assert labels_to_offer(candidates, min_relative_sf="1/3") == ["a", "c", "b"]
    assert labels_to_offer(candidates, min_relative_sf=1.0) == ["a"]


def test_where_nobody_selected_the_dataset_label_the_highest_frequency_counts():
    candidates = [own("a", 0), other("b", 8), other("c", 4), other("d", 3), other("e", 0)]
    assert labels_to_offer(candidates) == ["b", "c", "a"]


def test_where_nobody_was_shown_the_dataset_label_the_highest_frequency_counts():
    candidates = [own("a", 0, 0), other("b", 6), other("c", 3), other("d", 2)]
    assert labels_to_offer(candidates) == ["b", "c", "a"]


def test_without_a_dataset_label_the_highest_frequency_counts():
    assert labels_to_offer([other("b", 6), other("c", 3), other("d", 2)]) == ["b", "c"]


def test_a_label_that_nobody_selected_is_not_offered_but_the_dataset_label_is():
    assert labels_to_offer([own("a"), other("b")]) == ["a"]
    assert labels_to_offer([other("b"), other("c", 0, 0)]) == []
    assert labels_to_offer([]) == []


def test_equal_frequencies_go_by_score_then_key():
    candidates = [
        own("a", 4),
        other("e", 4, score=0.1),
        other("d", 4),
        other("c", 4, score=0.9),
        other("b", 4, score=0.1),
        other("f", 4, score=float("nan")),
    ]
    assert labels_to_offer(candidates) == ["c", "b", "e", "a", "d", "f"]


def test_equal_frequencies_of_different_counts_are_equal():
    candidates = [other("b", 2, 6, score=0.1), other("a", 3, 9, score=0.9)]
    assert labels_to_offer(candidates) == ["a", "b"]


def test_at_most_so_many_are_offered_and_the_dataset_label_among_them():
    candidates = [own("z", 4), *(other(label, 9) for label in "abcdefg")]
    assert labels_to_offer(candidates) == ["a", "b", "c", "d", "e", "z"]
    assert labels_to_offer(candidates, max_offered=2) == ["a", "z"]
    assert labels_to_offer(candidates, max_offered=1) == ["z"]


def test_the_order_of_candidates_does_not_matter():
    candidates = [own("a", 8), other("b", 4, score=0.2), other("c", 7), other("d", 4, score=0.3)]
    offered = {tuple(labels_to_offer(candidates[at:] + candidates[:at])) for at in range(4)}
    assert offered == {("a", "c", "d", "b")}


def test_without_a_source_candidates_go_by_models_then_score_then_key():
    candidates = [
        other("a", models=1, score=0.9),
        other("b", models=3, score=0.1),
        other("c", models=3, score=0.2),
        other("e", models=1, score=0.5),
        other("d", models=1, score=0.5),
    ]
    assert labels_without_source(candidates) == ["c", "b", "a", "d", "e"]
    assert labels_without_source(candidates, max_offered=2) == ["c", "b"]
    assert labels_without_source([]) == []


def test_without_a_source_the_dataset_label_is_offered_too():
    candidates = [own("a"), other("b", models=2), other("c", models=1)]
    assert labels_without_source(candidates, max_offered=2) == ["b", "a"]


def test_bad_candidates_are_refused():
    with pytest.raises(ValueError, match="twice"):
        labels_to_offer([other("a"), other("a")])
    with pytest.raises(ValueError, match="two dataset labels"):
        labels_without_source([own("a"), own("b")])
    with pytest.raises(ValueError, match="at least one"):
        labels_to_offer([own("a")], max_offered=0)


GROUPS = np.repeat(["fu", "mis", "easy", "amb"], [50, 10, 200, 5])


def test_each_group_is_asked_by_its_share():
    sample = sample_groups(GROUPS, {"fu": 1, "mis": 1, "easy": 0.05})
    assert sample.asked[GROUPS == "fu"].all()
    assert sample.asked[GROUPS == "mis"].all()
    assert sample.asked[GROUPS == "easy"].sum() == 10
    assert not sample.asked[GROUPS == "amb"].any()
    assert set(sample.probability[GROUPS == "fu"]) == {1.0}
    assert set(sample.probability[GROUPS == "easy"]) == {0.05}
    assert set(sample.probability[GROUPS == "amb"]) == {0.0}


def test_the_probability_is_of_the_number_drawn():
    sample = sample_groups(["easy"] * 7, {"easy": 0.05})
    assert sample.asked.sum() == 1
    assert set(sample.probability) == {1 / 7}


def test_inverse_probabilities_weigh_back_to_the_population():
    sample = sample_groups(GROUPS, {"fu": 0.3, "mis": 0.5, "easy": 0.07, "amb": 1})
    assert (1 / sample.probability[sample.asked]).sum() == pytest.approx(GROUPS.size)


def test_all_asks_every_image():
    sample = sample_groups(GROUPS, "all")
    assert sample.asked.all()
    assert (sample.probability == 1).all()


def test_the_draw_repeats_by_seed():
    draws = [sample_groups(GROUPS, {"easy": 0.1}, seed).asked.tolist() for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_one_groups_share_leaves_the_others_alone_and_grows_by_adding():
    small = sample_groups(GROUPS, {"fu": 0.2, "easy": 0.05}, 3).asked
    large = sample_groups(GROUPS, {"fu": 0.8, "easy": 0.05}, 3).asked
    assert (small[GROUPS == "easy"] == large[GROUPS == "easy"]).all()
    assert (large | ~small).all()
    assert large.sum() > small.sum()


def test_every_image_has_its_turn():
    times = sum(sample_groups(["easy"] * 20, {"easy": 0.25}, seed).asked for seed in range(400))
    # Binomial(400, 1/4) has a standard deviation of 8.7.
    assert times.min() > 60
    assert times.max() < 140


@pytest.mark.parametrize("follow_up", [{"hard": 1}, {"fu": 1.5}, {"fu": -0.1}, "some"])
def test_bad_shares_are_refused(follow_up):
    with pytest.raises(ValueError, match=r"unknown group|between 0 and 1|follow_up is"):
        sample_groups(GROUPS, follow_up)
