"""Layout: pairs into HITs of several sections, images into CLASSIFY HITs. Pure and seeded."""

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

# Unfilled HITs tried for each grid: keeps a layout of many thousand labels linear.
HITS_TRIED = 1000


@dataclass
class HITPlan:
    """A HIT: its sections, each a list of indexes into the pairs laid out, all of one label."""

    sections: list[list[int]] = field(default_factory=list)
    tiles: int = 0
    images: set[int] = field(default_factory=set)


def split_evenly(things: Sequence[int], at_most: int) -> list[Sequence[int]]:
    """Cut into the fewest parts of at most `at_most`, whose sizes differ by one at most."""
    parts = -(-len(things) // at_most)
    edges = [round(part * len(things) / parts) for part in range(parts + 1)] if parts else []
    return [things[start:end] for start, end in itertools.pairwise(edges)]


def lay_out_grids(
    pairs: Sequence[tuple[int, int]],
    grid_size: int,
    max_sections: int,
    seed: int,
    room: int | None = None,
) -> list[HITPlan]:
    """Lay (image, label) pairs out in HITs of CONTAINS (rules L2, L3).

    The pairs of one label fill grids of nearly equal size, of at most `room` tiles: what controls
    leave of `grid_size`. A label that fits `grid_size` is never split; its HIT has fewer controls.
    Grids of any labels share a HIT as sections: at most `room` tiles and `max_sections` sections,
    no image twice. First fit, large grids first, ties in random order.
    """
    room = grid_size if room is None else room
    shuffled = random.Random(seed)
    by_label: dict[int, list[int]] = defaultdict(list)
    for index, (_, label) in enumerate(pairs):
        by_label[label].append(index)
    grids: list[Sequence[int]] = []
    for indexes in by_label.values():
        shuffled.shuffle(indexes)
        grids.extend(split_evenly(indexes, room) if len(indexes) > grid_size else [indexes])
    shuffled.shuffle(grids)
    grids.sort(key=len, reverse=True)

    plans: list[HITPlan] = []
    unfilled: list[HITPlan] = []
    for grid in grids:
        images = {pairs[index][0] for index in grid}
        plan = next(
            (
                plan
                for plan in unfilled
                if plan.tiles + len(grid) <= room and plan.images.isdisjoint(images)
            ),
            None,
        )
        if plan is None:
            plan = HITPlan()
            plans.append(plan)
            unfilled.append(plan)
        plan.sections.append(list(grid))
        plan.tiles += len(grid)
        plan.images |= images
        if plan.tiles >= room or len(plan.sections) == max_sections:
            unfilled.remove(plan)
        elif len(unfilled) > HITS_TRIED:
            unfilled.pop(0)
    return plans


def lay_out_images(images: Sequence[int], images_per_hit: int, seed: int) -> list[list[int]]:
    """Lay shuffled images out in CLASSIFY HITs of nearly equal size (rule L4)."""
    shuffled = list(images)
    random.Random(seed).shuffle(shuffled)
    return [list(part) for part in split_evenly(shuffled, images_per_hit)]


def controls_beside(study: int, share: float) -> int:
    """The controls that a HIT of `study` items should hold: round(share x all its items) (rule K1).

    `share` is at most 0.5.
    """
    controls = 0
    while controls < round(share * (study + controls)):
        controls += 1
    return controls


def room_beside_controls(size: int, share: float) -> int:
    """The most study items that, with their controls, fit in a HIT of `size` items."""
    study = size
    while study > 1 and study + controls_beside(study, share) > size:
        study -= 1
    return study
