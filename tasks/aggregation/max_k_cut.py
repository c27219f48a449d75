"""Exact max-k-cut of small graphs, with a rule for choosing among equal cuts.

A cut is largest where the weight that stays inside the groups is smallest, so the search is for
the partition with the least inner weight. Up to `TABLE_NODES` nodes all partitions are looked up
in a table. Above, a branch and bound finds the least inner weight, and the partition is then
built element by element: each step keeps the smallest choice from which the least is still
reached.
"""

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

TABLE_NODES = 8
MAX_STEPS = 20_000_000

Partition = list[list[int]]


class TooHardError(ValueError):
    """The graph has so many nodes of like weights that no exact answer came in MAX_STEPS steps."""


def max_k_cut(weights: NDArray[np.integer], k: int) -> Partition:
    """The partition of n nodes in k groups with the most weight between groups.

    `weights`: symmetric array (n, n) of integers >= 0; its diagonal is not looked at.
    Returns k non-empty lists of node numbers, each sorted, sorted by their first nodes. Among
    equal cuts it is the smallest such list in Python's order of lists: nodes should be numbered
    in the order of their keys.

    Raises ValueError unless 1 <= k <= n, and TooHardError (a ValueError) where the search would
    not end in sensible time; that takes more than 20 labels on one image and workers that agree
    on nothing.
    Source: Tsipras et al. 2020, appendix B (labels selected together are distinct objects).
    """
    n = len(weights)
    if not 1 <= k <= n:
        raise ValueError(f"{n} nodes cannot be parted in {k} groups")
    if k == 1:
        return [list(range(n))]
    if k == n:
        return [[node] for node in range(n)]
    if n <= TABLE_NODES:
        partitions, inside = _table(n, k)
        edges = weights[np.triu_indices(n, 1)].astype(np.float64)
        return [list(group) for group in partitions[int((inside @ edges).argmin())]]
    return _Search(weights).smallest_partition(k)


@cache
def _table(n: int, k: int) -> tuple[list[tuple[tuple[int, ...], ...]], NDArray[np.float64]]:
    """All partitions of n nodes in k groups, smallest first, and which edges each keeps inside.

    The second array has a row per partition and a column per edge, 1 where the edge is inside.
    Its products with integer weights are exact in float64.
    """
    partitions = sorted(_partitions(n, k))
    group = np.zeros((len(partitions), n), np.int64)
    for row, partition in enumerate(partitions):
        for number, members in enumerate(partition):
            group[row, list(members)] = number
    first, second = np.triu_indices(n, 1)
    return partitions, (group[:, first] == group[:, second]).astype(np.float64)


def _partitions(n: int, k: int) -> list[tuple[tuple[int, ...], ...]]:
    found: list[tuple[tuple[int, ...], ...]] = []
    groups: list[list[int]] = []

    def place(node: int) -> None:
        if len(groups) + n - node < k:
            return
        if node == n:
            found.append(tuple(tuple(group) for group in groups))
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
    return found


class _Search:
    def __init__(self, weights: NDArray[np.integer]) -> None:
        self.weights = [[int(w) for w in row] for row in weights]
        self.never = 1 + sum(map(sum, self.weights))
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

    def smallest_group(self, left: list[int], k: int, budget: int) -> tuple[list[int], int]:
        """The first group of the smallest partition of `left` with inner weight `budget`.

        Returns it and the inner weight that the other k - 1 groups then have.
        """
        group = [left[0]]
        inner = 0
        while True:
            others = [node for node in left if node not in group]
            if len(others) >= k - 1 and inner + self.least(others, k - 1) == budget:
                return group, budget - inner
            for node in others:
                if node < group[-1]:
                    continue
                grown = inner + sum(self.weights[node][member] for member in group)
                if grown <= budget and self.can_grow(left, [*group, node], grown, k, budget):
                    group.append(node)
                    inner = grown
                    break

    def can_grow(self, left: list[int], group: list[int], inner: int, k: int, budget: int) -> bool:
        """Whether some partition of inner weight `budget` has a group that begins with `group`.

        The group becomes one node; nodes that the sorted group has passed over are kept out of it
        by an edge that no budget carries.
        """
        others = [node for node in left if node not in group]
        if len(others) < k - 1:
            return False
        merged = [[0, *(self.to_group(node, group) for node in others)]]
        for row, node in enumerate(others, start=1):
            merged.append([merged[0][row], *(self.weights[node][other] for other in others)])
        return inner + self.colour(merged, k, budget - inner) == budget

    def to_group(self, node: int, group: list[int]) -> int:
        if node < group[-1]:
            return self.never
        return sum(self.weights[node][member] for member in group)

    def least(self, nodes: list[int], k: int) -> int:
        """The least inner weight of `nodes` in k groups."""
        key = (k, frozenset(nodes))
        if key not in self.known:
            rows = [[self.weights[node][other] for other in nodes] for node in nodes]
            self.known[key] = self.colour(rows, k, self.never)
        return self.known[key]

    def colour(self, rows: list[list[int]], k: int, budget: int) -> int:
        """The least inner weight of a graph in at most k groups; above `budget` only a bound.

        "At most" is as good as "exactly": taking a node out of a group never adds inner weight.
        Nodes with fewer than k neighbours find a free group whatever the others do, so they are
        taken away first, again and again; what then hangs together is searched part by part.
        """
        for row, node in enumerate(rows):
            node[row] = 0
        total = 0
        for part in _components(rows, _core(rows, k)):
            total += self.branch([[rows[a][b] for b in part] for a in part], k, budget - total)
            if total > budget:
                break
        return total

    def branch(self, rows: list[list[int]], k: int, budget: int) -> int:
        """Branch and bound over the node that is hardest to place; budget + 1 if above it."""
        n = len(rows)
        costs = [[0] * k for _ in range(n)]
        degree = [sum(row) for row in rows]
        best = budget + 1

        def bound(free: list[int], used: int) -> int:
            # A node that opens no group of its own pays for its cheapest neighbour at least.
            opening = k - used
            if not opening:
                return sum(min(costs[node]) for node in free)
            joins = len(free) - opening
            if joins <= 0:
                return 0
            least = sorted(
                min(
                    min(costs[node][:used], default=self.never),
                    min((rows[node][other] for other in free if other != node), default=self.never),
                )
                for node in free
            )
            return sum(least[:joins])

        def place(free: list[int], used: int, cost: int) -> None:
            nonlocal best
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TooHardError(f"{len(self.weights)} labels are too many to part exactly")
            if not free:
                best = min(best, cost)
                return
            if cost + bound(free, used) >= best:
                return
            node = max(free, key=lambda v: (min(costs[v][: used + 1]), sum(costs[v]), degree[v]))
            rest = [other for other in free if other != node]
            row = rows[node]
            for group in sorted(range(min(used + 1, k)), key=costs[node].__getitem__):
                paid = cost + costs[node][group]
                if paid >= best:
                    break
                for other in rest:
                    costs[other][group] += row[other]
                place(rest, max(used, group + 1), paid)
                for other in rest:
                    costs[other][group] -= row[other]

        place(list(range(n)), 0, 0)
        return best


def _core(rows: list[list[int]], k: int) -> list[int]:
    nodes = set(range(len(rows)))
    while True:
        loose = {v for v in nodes if sum(1 for u in nodes if rows[v][u]) < k}
        if not loose:
            return sorted(nodes)
        nodes -= loose


def _components(rows: list[list[int]], nodes: list[int]) -> list[list[int]]:
    parts = []
    left = set(nodes)
    while left:
        part = set()
        fringe = [min(left)]
        while fringe:
            node = fringe.pop()
            part.add(node)
            fringe += [u for u in left if rows[node][u] and u not in part and u not in fringe]
        left -= part
        parts.append(sorted(part))
    return parts


def inner_weight(weights: NDArray[np.integer], partition: Partition) -> int:
    """The weight that stays inside the groups of a partition: the less, the larger the cut."""
    return sum(int(weights[a, b]) for group in partition for a, b in combinations(group, 2))
