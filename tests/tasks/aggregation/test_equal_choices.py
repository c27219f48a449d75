"""What equal choices leave open in an image's objects, by hand and by brute force."""

from collections import Counter

import numpy as np
import pytest

from tasks.aggregation import Response, image_objects, k_cut


def says(selected: str, main: str = "") -> Response:
    return Response(list(selected), main or selected[:1] or None)


def open_choices(responses, dataset_label) -> tuple[bool, bool, bool]:
    result = image_objects(responses, dataset_label)
    return result.equal_cuts, result.surely_disagrees, result.may_disagree


def test_equal_partitions():
    # [ac][bd]: main votes 2 and 0. [ad][bc]: 1 and 1, so that either may be the main object.
    responses = [says("ab"), says("cd")]
    assert open_choices(responses, "b") == (True, False, True)
    assert open_choices(responses, "a") == (True, False, True)
    assert open_choices(responses, "z") == open_choices(responses, None) == (True, False, False)
    assert open_choices([says("ab", "b"), says("cd", "d")], "a") == (True, False, True)


def test_equal_numbers_of_objects():
    # One object by the first, where nothing can disagree; of two objects b is the main one.
    responses = [says("a"), says("ab", "b"), says("b"), says("ab", "b")]
    assert image_objects(responses, "a").num_objects == 1
    assert open_choices(responses, "a") == (False, False, True)
    assert open_choices(responses, "b") == (False, False, False)
    none_first = [says(""), says("ab", "b"), says("ab", "b"), says("")]
    assert image_objects(none_first, "a").num_objects == 0
    assert open_choices(none_first, "a") == (False, False, True)


def test_equal_main_votes():
    assert open_choices([says("ab", "a"), says("ab", "b")], "a") == (False, False, True)
    assert open_choices([says("ab", "b"), says("ab", "b")], "a") == (False, True, True)
    assert open_choices([says("ab", "a"), says("ab", "a")], "a") == (False, False, False)


def partitions(labels):
    if not labels:
        yield []
        return
    for partition in partitions(labels[1:]):
        yield [labels[:1], *partition]
        for place, group in enumerate(partition):
            yield [*partition[:place], [labels[0], *group], *partition[place + 1 :]]


def by_brute_force(responses, dataset_label):
    numbers = Counter(len(response.selected) for response in responses)
    tied = [number for number, times in numbers.items() if times == max(numbers.values())]
    ends, equal_cuts = set(), {}
    for k in tied:
        if k < 2:
            ends.add(False)
            continue
        labels = sorted(
            {label for response in responses if len(response.selected) > 1
             for label in response.selected}
        )  # fmt: skip
        inner = {}
        for partition in partitions(labels):
            if len(partition) == k:
                kept = sum(
                    (held := len(set(group) & set(response.selected))) * (held - 1) // 2
                    for group in partition
                    for response in responses
                )
                inner.setdefault(kept, []).append(partition)
        best = inner[min(inner)]
        equal_cuts[k] = len(best) > 1
        for partition in best:
            votes = [sum(r.main in group for r in responses) for group in partition]
            for main, given in zip(partition, votes, strict=True):
                if given == max(votes):
                    ends.add(dataset_label in labels and dataset_label not in main)
    return equal_cuts.get(tied[0], False), ends == {True}, True in ends


@pytest.mark.parametrize("table_nodes", [8, 0], ids=["table", "search"])
def test_it_is_brute_force(monkeypatch, table_nodes):
    monkeypatch.setattr(k_cut, "TABLE_NODES", table_nodes)
    rng = np.random.default_rng(table_nodes)
    seen = Counter()
    for _ in range(400):
        responses = []
        for _ in range(rng.integers(1, 7)):
            size = rng.choice(4, p=[0.1, 0.2, 0.5, 0.2])
            selected = rng.choice(list("abcdef"), size, replace=False).tolist()
            responses.append(Response(selected, selected[0] if selected else None))
        expected = by_brute_force(responses, "a")
        assert open_choices(responses, "a") == expected, responses
        seen[expected] += 1
    assert len(seen) == 6  # of surely and may, three can be: each with and without equal cuts


def test_where_the_best_partitions_are_too_many_to_list_all_is_open(monkeypatch):
    monkeypatch.setattr(k_cut, "TABLE_NODES", 0)
    responses = [says("ab"), says("cd"), says("ef")]
    assert open_choices(responses, "a") == (True, False, True)
    sure = [says("ab", "b")] * 9 + [says("cd"), says("ef")]
    assert open_choices(sure, "a") == (True, True, True)
    monkeypatch.setattr(k_cut, "MAX_LISTED", 5)
    assert open_choices(sure, "a") == (True, False, True)
    assert len(image_objects(sure, "a").objects) == 2
