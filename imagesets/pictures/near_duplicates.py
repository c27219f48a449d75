"""Finds pictures that look alike, by perceptual hashes; pure arrays, no Django."""

from itertools import combinations, pairwise

import numpy as np
from PIL import Image

DISTANCE = 4  # of 64 bits: hashes of two versions of one picture differ by at most so many
STRUCTURE = np.int64(2**63 - 1)  # all bits but the first, which a picture of one flat colour sets


def coarse(picture: Image.Image) -> np.ndarray:
    """The part of a picture that is hashed: 32 x 32 grey values, uint8."""
    return np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS))


def perceptual_hashes(pictures: np.ndarray) -> np.ndarray:
    """64 bits of each picture's structure: which of its lowest frequencies are above their median.

    `pictures`: (N, 32, 32), as `coarse` returns them. Returns int64, shape (N,). The bits are those
    of imagehash's phash, for many pictures at once.
    """
    from scipy.fft import dctn  # only imports of images pay for loading it

    lowest = dctn(pictures.astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(-1, 64)
    bits = lowest > np.median(lowest, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">i8")[:, 0].astype(np.int64)


def near_duplicates(hashes: np.ndarray, distance: int = DISTANCE) -> list[list[int]]:
    """Groups of positions whose hashes are linked by steps of at most `distance` bits.

    `hashes`: int64, shape (N,). Each group is sorted and has two or more; groups are ordered by
    their first position. Pictures of one flat colour are in no group: they all have one hash.
    Two hashes within d bits agree in at least two of d + 2 bands, so only hashes that share a pair
    of bands (21 of 64 bits for d = 4) are compared: one sort for each pair of bands, not N squared
    comparisons. A million hashes take seconds.
    """
    hashes = np.asarray(hashes, dtype=np.int64)
    structured = np.flatnonzero(hashes & STRUCTURE)
    unique, inverse = np.unique(hashes[structured], return_inverse=True)
    values = unique.view(np.uint64)
    parent = np.arange(len(values))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for mask in _masks(distance):
        masked = values & mask
        order = np.argsort(masked, kind="stable")
        masked, in_order = masked[order], values[order]
        at = np.arange(len(values))
        step = 0
        while len(at):
            step += 1
            at = at[at + step < len(values)]
            at = at[masked[at] == masked[at + step]]
            differing = np.bitwise_count(in_order[at] ^ in_order[at + step])
            for i in at[differing <= distance]:
                parent[root(order[i])] = root(order[i + step])
    groups: dict[int, list[int]] = {}
    counts = np.bincount(inverse, minlength=len(values))
    linked = np.array([root(i) for i in range(len(values))], dtype=np.int64)
    sizes = np.bincount(linked, weights=counts, minlength=len(values))
    for i in np.flatnonzero(sizes[linked[inverse]] > 1):
        groups.setdefault(int(linked[inverse[i]]), []).append(int(structured[i]))
    return sorted(groups.values())


def _masks(distance: int) -> list[np.uint64]:
    """Of 64 bits in distance + 2 bands, the bits of every pair of bands."""
    edges = np.linspace(0, 64, distance + 3).round().astype(int).tolist()
    bands = [(1 << high) - (1 << low) for low, high in pairwise(edges)]
    return [np.uint64(a | b) for a, b in combinations(bands, 2)]
