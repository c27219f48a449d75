"""The layout keeps every rule on any set of pairs."""

import itertools
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.campaigns.layout import lay_out_grids, lay_out_images
from tasks.work.claiming import shown_order

pairs_of = st.sets(
    st.tuples(st.integers(0, 40), st.integers(100, 130)), min_size=1, max_size=400
).map(sorted)


@given(pairs_of, st.integers(1, 48), st.integers(1, 8), st.integers(0, 5), st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_every_layout_keeps_the_rules(pairs, grid_size, max_sections, seed, controls):
    room = max(grid_size - controls, 1)
    plans = lay_out_grids(pairs, grid_size, max_sections, seed, room)
    laid = [index for plan in plans for section in plan.sections for index in section]
    assert sorted(laid) == list(range(len(pairs)))
    grids_of = Counter()
    for plan in plans:
        images = [pairs[index][0] for section in plan.sections for index in section]
        assert len(images) == len(set(images)) <= grid_size
        assert len(plan.sections) <= max_sections
        assert len(images) <= room or len(plan.sections) == 1
        for section in plan.sections:
            (label,) = {pairs[index][1] for index in section}
            grids_of[label] += 1
    sizes = Counter(label for _, label in pairs)
    assert grids_of == {label: 1 if n <= grid_size else -(-n // room) for label, n in sizes.items()}


def test_a_split_label_has_nearly_equal_grids():
    plans = lay_out_grids([(image, 1) for image in range(100)], 48, 8, seed=0)
    assert sorted(plan.tiles for plan in plans) == [33, 33, 34]


def test_the_seed_decides_the_layout():
    pairs = [(image, label) for image in range(30) for label in range(image % 7)]
    layouts = [[plan.sections for plan in lay_out_grids(pairs, 12, 4, seed)] for seed in (1, 1, 2)]
    assert layouts[0] == layouts[1] != layouts[2]


def test_images_are_dealt_in_nearly_equal_hits():
    hits = lay_out_images(range(11), 5, seed=3)
    assert sorted(len(hit) for hit in hits) == [3, 4, 4]
    assert sorted(image for hit in hits for image in hit) == list(range(11))


def test_sections_stay_together_in_the_order_shown():
    sections = [0, 0, 0, 1, 1, 2, 2, 2, 2]
    orders = {tuple(shown_order(sections, random.Random(seed))) for seed in range(20)}
    assert len(orders) > 10
    for order in orders:
        assert sorted(order) == list(range(9))
        runs = [sections[position] for position in order]
        changes = sum(a != b for a, b in itertools.pairwise(runs))
        assert changes == 2
