"""From CLASSIFY's responses to objects, rule by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation import Response, image_objects

NONE = Response([], None)


def says(*selected, main=None):
    return Response(list(selected), main or selected[0])


def partition(result):
    return sorted(sorted(entry["labels"]) for entry in result.objects)


def test_num_objects_is_the_most_frequent_number_of_labels():
    result = image_objects([says("a"), says("a", "b"), says("b", "a")])
    assert result.num_objects == 2
    assert result.object_counts == {"1": 1, "2": 2}


def test_a_tie_of_numbers_goes_to_the_one_seen_first():
    assert image_objects([says("a"), says("a", "b")]).num_objects == 1
    assert image_objects([says("a", "b"), says("a")]).num_objects == 2
    assert image_objects([says("a"), says("a", "b"), says("a", "b"), says("b")]).num_objects == 1


def test_none_counts_as_zero_and_if_it_wins_there_is_nothing():
    result = image_objects([NONE, says("a"), NONE], "a")
    assert result[:8] == (0, {"0": 2, "1": 1}, None, {}, [], None, None, 3)
    assert image_objects([NONE, says("a")]).num_objects == 0


def test_none_that_does_not_win_is_left_out_of_all_but_the_counts():
    result = image_objects([says("a"), NONE, says("a", "b", main="b"), says("b")])
    assert result.num_objects == 1
    assert result.object_counts == {"0": 1, "1": 2, "2": 1}
    assert result.workers == 4
    assert result.main_votes == {"a": 1, "b": 2}
    assert result.objects[0]["labels"]["b"] == {"share": 0.5, "fraction": 2 / 3}


def test_main_label_is_the_most_frequent_and_a_tie_goes_to_the_first_seen():
    result = image_objects([says("b"), says("a"), says("a"), says("b"), says("c")])
    assert result.main_label == "b"
    assert result.main_votes == {"b": 2, "a": 2, "c": 1}


def test_one_object_holds_all_labels():
    result = image_objects([says("a"), says("b"), says("c"), says("a", "d")])
    assert partition(result) == [["a", "b", "c", "d"]]


def test_labels_that_exclude_each_other_are_one_object():
    responses = [says("dog", "terrier"), says("dog", "collie"), says("dog", "collie")]
    result = image_objects(responses)
    assert partition(result) == [["collie", "terrier"], ["dog"]]


def test_labels_never_selected_with_another_are_left_out_of_several_objects():
    responses = [says("a", "b"), says("a", "b"), says("lone"), says("lone"), says("a", "b")]
    result = image_objects(responses, "lone")
    assert partition(result) == [["a"], ["b"]]
    assert result.dataset_object is None
    assert result.main_votes["lone"] == 2


def test_the_number_of_groups_is_num_objects_even_where_more_would_cut_more():
    responses = [says("a", "b"), says("b", "c"), says("a", "c"), says("a", "b")]
    # The weight between a and b is 2: c goes with one of them; [a, c] is smaller than [b, c].
    assert partition(image_objects(responses)) == [["a"], ["b", "c"]]


def test_among_equal_cuts_the_smallest_sorted_list_of_labels_wins():
    responses = [says("a", "b"), says("c", "d")]
    assert partition(image_objects(responses)) == [["a", "c"], ["b", "d"]]


def test_shares_fractions_and_names():
    responses = [says("dog", "ball"), says("dog", "toy"), says("cur", "ball"), says("dog", "ball")]
    result = image_objects(responses)
    dog = next(entry for entry in result.objects if "dog" in entry["labels"])
    ball = next(entry for entry in result.objects if "ball" in entry["labels"])
    assert dog == {
        "name": "dog",
        "main_votes": 4,
        "labels": {
            "dog": {"share": 0.75, "fraction": 0.75},
            "cur": {"share": 0.25, "fraction": 0.25},
        },
    }
    assert ball["labels"]["toy"] == {"share": 0.25, "fraction": 0.25}
    assert ball["main_votes"] == 0


def test_an_object_is_named_by_its_first_key_among_equals():
    result = image_objects([says("b"), says("a")])
    assert result.objects[0]["name"] == "a"


def test_objects_go_by_main_votes_then_name():
    responses = [
        says("b", "c", "a", main="c"),
        says("a", "b", "c", main="c"),
        says("a", "b", "c", main="b"),
        says("a", "b", "c", main="a"),
    ]
    result = image_objects(responses)
    assert [entry["name"] for entry in result.objects] == ["c", "a", "b"]
    assert [entry["main_votes"] for entry in result.objects] == [2, 1, 1]
    assert result.main_object == 0


def test_the_dataset_object_holds_the_dataset_label():
    responses = [says("a", "b", main="b"), says("a", "b", main="b"), says("a", "c", main="a")]
    result = image_objects(responses, "c")
    assert [sorted(entry["labels"]) for entry in result.objects] == [["b", "c"], ["a"]]
    assert result.dataset_object == 0
    assert image_objects(responses, "a").dataset_object == 1
    assert image_objects(responses, "z").dataset_object is None
    assert image_objects(responses).dataset_object is None


def test_disagreement_needs_several_objects_and_a_dataset_object_that_is_not_main():
    responses = [says("a", "b", main="b"), says("a", "b", main="b")]
    assert image_objects(responses, "a").disagrees
    assert not image_objects(responses, "b").disagrees
    assert not image_objects(responses, "z").disagrees
    single = image_objects([says("b"), says("a"), says("b")], "a")
    assert not single.is_multi_object
    assert not single.disagrees
    assert image_objects(responses).is_multi_object


def test_without_responses_all_is_null():
    assert image_objects([], "a")[:8] == (None, None, None, None, [], None, None, 0)


def test_a_response_without_a_main_label_casts_no_main_vote():
    result = image_objects([Response(["a", "b"], None), Response(["a", "b"], None)])
    assert result.main_label is None
    assert result.main_votes == {}
    assert len(result.objects) == 2


def test_impossible_responses_are_refused():
    with pytest.raises(ValueError, match="main label c is not among"):
        image_objects([Response(["a"], "c")])
    with pytest.raises(ValueError, match="main label c is not among"):
        image_objects([Response([], "c")])
    with pytest.raises(ValueError, match="twice"):
        image_objects([Response(["a", "a"], "a")])


answers = st.lists(
    st.lists(st.sampled_from("abcdef"), max_size=5, unique=True).flatmap(
        lambda labels: st.builds(
            Response, st.just(labels), st.sampled_from(labels) if labels else st.none()
        )
    ),
    min_size=1,
    max_size=9,
)


@given(answers, st.sampled_from("abcdef"))
def test_what_holds_for_all_responses(responses, dataset_label):
    result = image_objects(responses, dataset_label)
    assert len(result.objects) == result.num_objects
    assert sum(result.object_counts.values()) == result.workers == len(responses)
    for entry in result.objects:
        assert sum(label["share"] for label in entry["labels"].values()) == pytest.approx(1)
        assert all(0 < label["fraction"] <= 1 for label in entry["labels"].values())
    ranking = [(-entry["main_votes"], entry["name"]) for entry in result.objects]
    assert ranking == sorted(ranking)
    if result.num_objects:
        assert sum(result.main_votes.values()) == sum(bool(r.selected) for r in responses)


@given(answers, st.randoms(use_true_random=False))
def test_the_order_matters_for_ties_of_counts_and_main_labels_only(responses, random):
    shuffled = random.sample(responses, len(responses))
    result, other = image_objects(responses), image_objects(shuffled)
    assert result.object_counts == other.object_counts
    if result.num_objects == other.num_objects:
        assert result.objects == other.objects
        assert result.main_votes == other.main_votes
