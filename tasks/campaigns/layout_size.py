"""Estimates from numbers of pairs alone how many HITs a layout will need."""

from collections import Counter
from collections.abc import Iterable


def hits_about(
    pairs_per_label: Iterable[int], most_per_image: int, grid_size: int, max_sections: int
) -> int:
    """The number of HITs that `layout.lay_out_grids` would make, or a few percent fewer.

    The largest grids first, each in the fullest HIT that has room. `most_per_image`, the most pairs
    of one image, is a lower bound, because an image stands only once in a HIT. Time grows linearly
    with the number of grids.
    """
    grids = []
    for pairs in pairs_per_label:
        parts = -(-pairs // grid_size)
        grids += [pairs // parts + (part < pairs % parts) for part in range(parts)]
    hits = 0
    unfilled: Counter[tuple[int, int]] = Counter()  # (tiles, sections) that a HIT has room for
    for grid in sorted(grids, reverse=True):
        room = min((key for key in unfilled if key[0] >= grid), default=None)
        if room is None:
            hits += 1
            room = (grid_size, max_sections)
        else:
            unfilled[room] -= 1
            if not unfilled[room]:
                del unfilled[room]
        tiles, sections = room[0] - grid, room[1] - 1
        if tiles and sections:
            unfilled[tiles, sections] += 1
    return max(hits, most_per_image)
