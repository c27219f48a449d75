"""Max-k-cut is exact and breaks ties by the smallest sorted list of sorted labels."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import TooHardError, image_objects, k_cut
from tasks.aggregation.k_cut import edge_weights, inner_weight, max_k_cut


def all_partitions(nodes):
    if not nodes:
        yield []
        return
    first, *rest = nodes
    for partition in all_partitions(rest):
        yield [[first], *partition]
        for place, group in enumerate(partition):
            yield [*partition[:place], [first, *group], *partition[place + 1 :]]


def sorted_partitions(n, k):
    return sorted(
        sorted(map(sorted, partition))
        for partition in all_partitions(list(range(n)))
        if len(partition) == k
    )


PARTITIONS = {(n, k): sorted_partitions(n, k) for n in range(1, 8) for k in range(1, n + 1)}
INSIDE = {
    key: np.array(
        [
            [any(a in group and b in group for group in partition) for a, b in
             combinations(range(key[0]), 2)]
            for partition in partitions
        ],
        np.int64,
    ).reshape(len(partitions), -1)
    for key, partitions in PARTITIONS.items()
}  # fmt: skip


def by_brute_force(selections, n, k):
    edges = edge_weights(selections, n)[np.triu_indices(n, 1)]
    return PARTITIONS[n, k][int((INSIDE[n, k] @ edges).argmin())]


def random_selections(rng, n):
    """Half of them answers of workers, half arbitrary graphs: a pair per unit of weight."""
    if rng.random() < 0.5:
        sizes = rng.integers(1, n + 1, rng.integers(1, 10))
        return [rng.choice(n, size, replace=False).tolist() for size in sizes]
    pairs = [list(pair) for pair in combinations(range(n), 2)]
    if not pairs:
        return []
    chosen = rng.choice(len(pairs), rng.integers(0, 30))
    return [pairs[number] for number in chosen]


@pytest.mark.parametrize("table_nodes", [8, 0], ids=["table", "search"])
def test_it_is_brute_force_on_random_graphs(monkeypatch, table_nodes):
    monkeypatch.setattr(k_cut, "TABLE_NODES", table_nodes)
    rng = np.random.default_rng(table_nodes)
    several = 0
    for _ in range(2500):
        n = int(rng.integers(2, 8))
        k = int(rng.integers(1, n + 1))
        selections = random_selections(rng, n)
        expected = by_brute_force(selections, n, k)
        assert max_k_cut(selections, n, k) == expected, (selections, n, k)
        several += 1 < k < n
    assert several > 1000


def test_the_search_agrees_with_the_table_on_eight_labels(monkeypatch):
    rng = np.random.default_rng(8)
    cases = [(random_selections(rng, 8), int(rng.integers(2, 8))) for _ in range(150)]
    by_table = [max_k_cut(selections, 8, k) for selections, k in cases]
    monkeypatch.setattr(k_cut, "TABLE_NODES", 0)
    assert [max_k_cut(selections, 8, k) for selections, k in cases] == by_table


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_large_cuts_cannot_be_bettered_by_moving_one_label(data):
    n = data.draw(st.integers(9, 14))
    k = data.draw(st.integers(2, 5))
    node = st.integers(0, n - 1)
    sets = st.lists(node, min_size=1, max_size=n, unique=True)
    selections = data.draw(st.lists(sets, max_size=9))
    partition = max_k_cut(selections, n, k)
    assert sorted(label for group in partition for label in group) == list(range(n))
    assert len(partition) == k
    assert partition == sorted(map(sorted, partition))
    weights = edge_weights(selections, n)
    best = (inner_weight(weights, partition), partition)
    for moved in range(n):
        left = [[label for label in group if label != moved] for group in partition]
        for place in range(k):
            other = [group + [moved] * (at == place) for at, group in enumerate(left)]
            if all(other):
                other = sorted(map(sorted, other))
                assert best <= (inner_weight(weights, other), other)


def test_labels_selected_together_are_parted():
    assert max_k_cut([[0, 1], [0, 2], [0, 1]], 3, 2) == [[0], [1, 2]]


def test_among_equal_cuts_the_smallest_list_of_lists_wins():
    assert max_k_cut([], 4, 2) == [[0], [1, 2, 3]]
    assert max_k_cut([], 12, 3) == [[0], [1], list(range(2, 12))]
    assert max_k_cut([[0, 1], [2, 3]], 4, 2) == [[0, 2], [1, 3]]
    # Nodes 2 to 9 may stand on either side: [0] alone is smaller than [0, 2] or any longer list.
    assert max_k_cut([[0, 1]], 10, 2) == [[0], list(range(1, 10))]


def test_one_worker_who_selects_everything_does_not_slow_it_down(monkeypatch):
    monkeypatch.setattr(k_cut, "MAX_STEPS", 5_000)
    careful = [[0, 5, 9], [1, 5, 9], [0, 6, 9], [0, 5, 10], [1, 6, 9]]
    for n in (12, 18, 24):
        partition = max_k_cut([*careful, list(range(n))], n, 3)
        sizes = sorted(map(len, partition))
        assert sizes == [n // 3] * 3
        assert inner_weight(edge_weights(careful, n), partition) == 0


def test_uniform_weights_give_even_groups():
    partition = max_k_cut([list(range(16))] * 4, 16, 5)
    assert partition == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13, 14, 15]]


def test_a_graph_that_is_too_hard_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(k_cut, "MAX_STEPS", 10)
    rng = np.random.default_rng(0)
    selections = [rng.choice(20, 10, replace=False).tolist() for _ in range(9)]
    with pytest.raises(TooHardError, match="20 labels are too many"):
        max_k_cut(selections, 20, 10)


def test_impossible_numbers_of_groups_are_refused():
    for n, k in ((3, 4), (3, 0), (0, 1)):
        with pytest.raises(ValueError, match="cannot be divided"):
            max_k_cut([], n, k)


def test_an_image_of_twenty_labels_is_solved():
    keys = [f"label-{number:02}" for number in range(20)]
    responses = [(keys[at : at + 3], keys[at]) for at in range(0, 18, 2)]
    result = image_objects([*responses, (keys, keys[0])])
    assert result.num_objects == 3
    assert sorted(label for entry in result.objects for label in entry["labels"]) == keys
