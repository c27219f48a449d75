"""Finds pictures that look the same, by perceptual hashes; pure arrays, no Django."""

from itertools import pairwise

import numpy as np
from PIL import Image

DISTANCE = 4  # bits of 64 in which hashes of two versions of one picture differ at most


def perceptual_hash(picture: Image.Image) -> int:
    """64 bits of a picture's coarse structure (imagehash's pHash), as a signed integer."""
    import imagehash  # brings scipy: only an import of images pays for it

    bits = imagehash.phash(picture).hash.ravel()
    return int(np.packbits(bits).view(">i8")[0])


def near_duplicates(hashes: np.ndarray, distance: int = DISTANCE) -> list[list[int]]:
    """Groups of positions whose hashes are linked by steps of at most `distance` bits.

    `hashes`: int64, shape (N,). Each group is sorted, of two or more; groups by first position.
    Two hashes within d bits agree in at least one of d + 1 bands, so only those that share a band
    are compared: time grows with the number of such pairs, not with N squared.
    """
    unique, inverse = np.unique(np.asarray(hashes, dtype=np.int64), return_inverse=True)
    values = unique.view(np.uint64)
    parent = np.arange(len(values))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    edges = np.linspace(0, 64, distance + 2).round().astype(np.uint64)
    for low, high in pairwise(edges):
        band = (values >> low) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(band, kind="stable")
        band, sorted_values = band[order], values[order]
        at = np.arange(len(values))
        step = 0
        while len(at):
            step += 1
            at = at[at + step < len(values)]
            at = at[band[at] == band[at + step]]
            differing = np.bitwise_count(sorted_values[at] ^ sorted_values[at + step])
            for i in at[differing <= distance]:
                parent[root(order[i])] = root(order[i + step])
    groups: dict[int, list[int]] = {}
    counts = np.bincount(inverse, minlength=len(values))
    linked = np.array([root(i) for i in range(len(values))], dtype=np.int64)
    sizes = np.bincount(linked, weights=counts, minlength=len(values))
    for position in np.flatnonzero(sizes[linked[inverse]] > 1):
        groups.setdefault(int(linked[inverse[position]]), []).append(int(position))
    return sorted(groups.values())
