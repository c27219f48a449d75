"""Exact max-k-cut of small graphs, with a rule for choosing among equal cuts (rule O3).

A cut is largest where the weight that stays inside the groups is smallest, so the search is for
the partition with the least inner weight. Up to `TABLE_NODES` nodes it looks all partitions up
in a table. Above that, branch and bound finds the least inner weight, and the partition is then
built element by element: each step takes the smallest choice from which the least weight can
still be reached.

A group of m labels that one worker selected adds m (m - 1) / 2 to the inner weight if it stays
together, and at least what remains when it is divided as evenly as possible. The sum of that over
workers bounds the search from below; without it a single worker who selects everything would make
the search hopeless.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TABLE_NODES = 8
MAX_STEPS = 2_000_000
MAX_LISTED = 20_000  # steps of the search for every best partition

Partition = list[list[int]]


class Cuts(NamedTuple):
    """The best partitions of a graph."""

    smallest: Partition
    every: list[Partition] | None
    """In any order; None if there are too many to list within MAX_LISTED steps."""


class TooHardError(ValueError):
    """The search found no exact answer within MAX_STEPS: too many nodes with similar weights."""


def max_k_cut(selections: Iterable[Sequence[int]], n: int, k: int) -> Partition:
    """The partition of n nodes into k groups with the most weight between groups (see best_cuts).

    >>> max_k_cut([[0, 2], [1, 2], [0, 2]], n=3, k=2)
    [[0, 1], [2]]
    """
    return best_cuts(selections, n, k).smallest


def best_cuts(selections: Iterable[Sequence[int]], n: int, k: int) -> Cuts:
    """The partitions of n nodes into k groups with the most weight between groups.

    `selections`: sets of nodes, 0 to n - 1; the weight of an edge is the number of sets that hold
    both its ends. (Any graph of integer weights can be written so: a pair per unit of weight.)
    Each is k non-empty lists of node numbers, each sorted, sorted by their first nodes. The
    smallest is that in Python's order of lists: nodes should be numbered in the order of their
    keys.

    Raises ValueError unless 1 <= k <= n, and TooHardError (a ValueError) if the search would take
    too long: with some 30 labels on one image and workers who agree on nothing. (At random, 100
    workers who select 4 of 15 labels take 3 s, 30 who select 5 of 20 take 7 s, and 9 who select 10
    of 30 half a minute.)
    Source: the objects of Tsipras et al. 2020 (labels selected together are distinct objects).

    >>> best_cuts([[0, 2], [1, 2]], n=3, k=2).every
    [[[0, 1], [2]]]
    """
    if not 1 <= k <= n:
        raise ValueError(f"{n} nodes cannot be divided into {k} groups")
    if k in (1, n):
        only = [list(range(n))] if k == 1 else [[node] for node in range(n)]
        return Cuts(only, [only])
    selections = [tuple(nodes) for nodes in selections if len(nodes) > 1]
    weights = edge_weights(selections, n)
    if n <= TABLE_NODES:
        partitions, inside, edges = _table(n, k)
        kept = inside @ weights.reshape(-1)[edges].astype(np.float64)
        best = np.flatnonzero(kept == kept.min()).tolist()
        every = [[list(group) for group in partitions[row]] for row in best]
        return Cuts(every[0], every)
    search = _Search(weights, selections)
    smallest = search.smallest_partition(k)
    try:
        return Cuts(smallest, search.best_partitions(k))
    except TooHardError:
        return Cuts(smallest, None)


def edge_weights(selections: Iterable[Sequence[int]], n: int) -> NDArray[np.int64]:
    """(n, n): how many of the sets of nodes hold both; 0 on the diagonal."""
    weights = np.zeros((n, n), np.int64)
    for nodes in selections:
        for node in nodes:
            weights[node, nodes] += 1
    np.fill_diagonal(weights, 0)
    return weights


@cache
def _table(
    n: int, k: int
) -> tuple[list[tuple[tuple[int, ...], ...]], NDArray[np.float64], NDArray[np.int64]]:
    """All partitions of n nodes into k groups, smallest first, and the edges each keeps inside.

    The second has a row per partition and a column per edge, 1 where the edge is inside. Its
    products with integer weights are exact in float64. The third says where the edges stand among
    n x n weights.
    """
    partitions = sorted(_partitions(n, k))
    group = np.zeros((len(partitions), n), np.int64)
    for row, partition in enumerate(partitions):
        for number, members in enumerate(partition):
            group[row, list(members)] = number
    first, second = np.triu_indices(n, 1)
    inside = (group[:, first] == group[:, second]).astype(np.float64)
    return partitions, inside, first * n + second


def _partitions(n: int, k: int) -> list[tuple[tuple[int, ...], ...]]:
    complete: list[tuple[tuple[int, ...], ...]] = []
    groups: list[list[int]] = []

    def place(node: int) -> None:
        if len(groups) + n - node < k:
            return
        if node == n:
            complete.append(tuple(tuple(group) for group in groups))
            return
        for group in groups:
            group.append(node)
            place(node + 1)
            group.pop()
        if len(groups) < k:
            groups.append([node])
            place(node + 1)
            groups.pop()

    place(0)
    return complete


class _Search:
    def __init__(self, weights: NDArray[np.int64], selections: Sequence[Sequence[int]]) -> None:
        self.weights: list[list[int]] = weights.tolist()
        self.never = 1 + int(weights.sum())
        self.selections = Counter(frozenset(nodes) for nodes in selections)
        self.kind = [
            frozenset(nodes for nodes in self.selections if node in nodes)
            for node in range(len(weights))
        ]
        self.steps = 0
        self.known: dict[tuple[int, frozenset[int]], int] = {}

    def smallest_partition(self, k: int) -> Partition:
        left = list(range(len(self.weights)))
        budget = self.least(left, k)
        partition: Partition = []
        while k > 1:
            group, budget = self.smallest_group(left, k, budget)
            partition.append(group)
            left = [node for node in left if node not in group]
            k -= 1
        partition.append(left)
        return partition

    def best_partitions(self, k: int) -> list[Partition]:
        """Every partition with the least inner weight; raises TooHardError if they are many."""
        n = len(self.weights)
        within = [self.least(list(range(node, n)), k) for node in range(n)] + [0]
        listed: list[Partition] = []
        groups: Partition = []
        steps = 0

        def place(node: int, cost: int) -> None:
            nonlocal steps
            steps += 1
            if steps > MAX_LISTED:
                raise TooHardError(f"{n} labels have too many best partitions to list")
            if cost + within[node] > within[0] or len(groups) + n - node < k:
                return
            if node == n:
                listed.append([list(group) for group in groups])
                return
            for group in groups:
                entry = self.to_group(node, group)
                group.append(node)
                place(node + 1, cost + entry)
                group.pop()
            if len(groups) < k:
                groups.append([node])
                place(node + 1, cost)
                groups.pop()

        place(0, 0)
        return listed

    def smallest_group(self, left: list[int], k: int, budget: int) -> tuple[list[int], int]:
        """The first group of the smallest partition of `left` with inner weight `budget`.

        Returns it and the inner weight that the other k - 1 groups then have.
        """
        group = [left[0]]
        inner = 0
        while True:
            others = [node for node in left if node not in group]
            if inner + self.least(others, k - 1) == budget:
                return group, budget - inner
            for node in others:
                if node < group[-1]:
                    continue
                grown = inner + self.to_group(node, group)
                rest = [other for other in others if other != node]
                if grown <= budget and len(rest) >= k - 1:
                    passed = {other for other in rest if other < node}
                    bigger = [*group, node]
                    if grown + self.colour(rest, k, budget - grown, bigger, passed) == budget:
                        group, inner = bigger, grown
                        break

    def to_group(self, node: int, group: Iterable[int]) -> int:
        return sum(self.weights[node][member] for member in group)

    def least(self, nodes: list[int], k: int) -> int:
        """The least inner weight of `nodes` divided into k groups."""
        key = (k, frozenset(nodes))
        if key not in self.known:
            self.known[key] = self.colour(nodes, k, self.never)
        return self.known[key]

    def colour(
        self,
        nodes: list[int],
        k: int,
        budget: int,
        first: Sequence[int] = (),
        barred: Iterable[int] = (),
    ) -> int:
        """The least inner weight that `nodes` add in at most k groups; above `budget` only a bound.

        `first`: what the first group already holds; `barred`: nodes that must not join it.
        "At most" is as good as "exactly": taking a node out of a group never adds inner weight.
        Nodes with fewer than k neighbours find a free group whatever the others do, so they are
        removed first, repeatedly; each connected part of the rest is searched by itself.
        """
        entry = {node: self.to_group(node, first) for node in nodes}
        entry.update(dict.fromkeys(barred, self.never))
        total = 0
        for part in self.parts(self.core(nodes, k, entry)):
            total += self.branch(part, k, budget - total, first, entry)
            if total > budget:
                break
        return total

    def core(self, nodes: Iterable[int], k: int, entry: dict[int, int]) -> set[int]:
        left = set(nodes)
        while True:
            loose = {
                node
                for node in left
                if sum(1 for u in left if self.weights[node][u]) + (entry[node] > 0) < k
            }
            if not loose:
                return left
            left -= loose

    def parts(self, nodes: set[int]) -> list[list[int]]:
        parts = []
        left = set(nodes)
        while left:
            fringe = {min(left)}
            part: set[int] = set()
            while fringe:
                part |= fringe
                fringe = {u for u in left - part if any(self.weights[u][v] for v in fringe)}
            left -= part
            parts.append(sorted(part))
        return parts

    def branch(
        self, part: list[int], k: int, budget: int, first: Sequence[int], entry: dict[int, int]
    ) -> int:
        """Branch and bound, hardest node first; returns budget + 1 if the least is above it."""
        opened = 1 if first else 0
        costs = {node: [entry[node] if first else 0, *[0] * (k - 1)] for node in part}
        degree = {node: self.to_group(node, part) for node in part}
        kind = {node: (self.kind[node], entry[node] if first else 0) for node in part}
        twins = {node: [u for u in part if u != node and kind[u] == kind[node]] for node in part}
        cliques = [
            (times, nodes, [sum(v in nodes for v in first), *[0] * (k - 1)])
            for nodes, times in self.selections.items()
            if sum(v in nodes for v in part) > 1
        ]
        holding = {node: [c for c in cliques if node in c[1]] for node in part}
        placed: dict[int, int] = {}
        best = budget + 1

        def bound(free: list[int], used: int, room: int) -> int:
            joining = len(free) - (k - used)
            if joining == len(free):
                near = sum(min(costs[node]) for node in free)
            else:
                # A node that opens no new group pays at least for its cheapest neighbour.
                pays = (
                    sorted(
                        min(
                            min(costs[node][:used], default=self.never),
                            min(self.weights[node][u] for u in free if u != node),
                        )
                        for node in free
                    )
                    if joining > 0
                    else []
                )
                near = sum(pays[:joining])
            if near >= room:
                return near
            even = 0
            for times, nodes, counts in cliques:
                even += times * _evened(tuple(sorted(counts)), sum(v in nodes for v in free))
            return max(near, even)

        def place(free: list[int], used: int, cost: int) -> None:
            nonlocal best
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TooHardError(f"{len(self.weights)} labels are too many to group exactly")
            if not free:
                best = min(best, cost)
                return
            if cost + bound(free, used, best - cost) >= best:
                return
            node = max(free, key=lambda v: (min(costs[v]), sum(costs[v]), degree[v], -v))
            rest = [other for other in free if other != node]
            row = self.weights[node]
            # Nodes that the same workers selected are interchangeable: only one order is tried.
            least = max((placed[twin] for twin in twins[node] if twin in placed), default=0)
            for group in sorted(range(least, min(used + 1, k)), key=costs[node].__getitem__):
                paid = cost + costs[node][group]
                if paid >= best:
                    break
                placed[node] = group
                for other in rest:
                    costs[other][group] += row[other]
                for clique in holding[node]:
                    clique[2][group] += 1
                place(rest, max(used, group + 1), paid)
                for clique in holding[node]:
                    clique[2][group] -= 1
                for other in rest:
                    costs[other][group] -= row[other]
            placed.pop(node, None)

        place(part, opened, 0)
        return best


@cache
def _evened(counts: tuple[int, ...], more: int) -> int:
    """The fewest pairs that `more` nodes form with others when they join groups of sizes `counts`.

    Each node joins the smallest group.
    """
    sizes = list(counts)
    pairs = 0
    for _ in range(more):
        smallest = min(range(len(sizes)), key=sizes.__getitem__)
        pairs += sizes[smallest]
        sizes[smallest] += 1
    return pairs


def inner_weight(weights: NDArray[np.integer], partition: Partition) -> int:
    """The weight inside the groups of a partition: the smaller, the larger the cut."""
    return sum(int(weights[a, b]) for group in partition for a, b in combinations(group, 2))
