"""Groups of near duplicates are those that comparing every pair gives."""

import imagehash
import numpy as np
import pytest
from PIL import Image

from imagesets.pictures.near_duplicates import coarse, near_duplicates, perceptual_hashes
from tests.studies.drawn_pictures import noise


def by_comparing_all(hashes: np.ndarray, distance: int) -> list[list[int]]:
    values = hashes.view(np.uint64)
    group = list(range(len(values)))
    for i in range(len(values)):
        for j in range(i):
            if int(values[i] ^ values[j]).bit_count() <= distance:
                group = [group[j] if g == group[i] else g for g in group]
    groups: dict[int, list[int]] = {}
    for i, g in enumerate(group):
        groups.setdefault(g, []).append(i)
    return sorted(members for members in groups.values() if len(members) > 1)


@pytest.mark.parametrize("seed", range(20))
def test_banding_misses_nothing(seed):
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**64, 12, dtype=np.uint64)
    values = rng.choice(centres, 60)
    for _ in range(6):  # up to six bits away from a centre
        flip = rng.random(60) < 0.5
        values = np.where(
            flip, values ^ (np.uint64(1) << rng.integers(0, 64, 60, dtype=np.uint64)), values
        )
    hashes = values.view(np.int64)
    assert near_duplicates(hashes, 4) == by_comparing_all(hashes, 4)


def test_no_hashes_and_one():
    assert near_duplicates(np.array([], dtype=np.int64)) == []
    assert near_duplicates(np.array([5])) == []


def test_versions_of_a_picture_are_near_and_pictures_are_far():
    pictures = [
        picture
        for i in range(30)
        for picture in (noise(i, (400, 300)), noise(i, (400, 300)).resize((200, 150)))
    ]
    hashes = perceptual_hashes(np.stack([coarse(picture) for picture in pictures]))
    assert near_duplicates(hashes) == [[2 * i, 2 * i + 1] for i in range(30)]


def test_pictures_of_one_flat_colour_are_not_alike():
    colours = ["black", "white", "red", "navy", "#010101", "#808080"]
    flat = [Image.new("RGB", (60 + i, 50), colour) for i, colour in enumerate(colours)]
    ramp = Image.linear_gradient("L")  # a few bits from flat
    pictures = [*flat, noise(1, (400, 300)), ramp, noise(1, (200, 150))]
    hashes = perceptual_hashes(np.stack([coarse(picture) for picture in pictures]))
    assert near_duplicates(hashes) == [[6, 8]]


def test_the_bits_are_those_of_imagehash():
    pictures = [noise(i, (40 + i, 300 - i)) for i in range(60)]
    hashes = perceptual_hashes(np.stack([coarse(picture) for picture in pictures]))
    assert [f"{hash:016x}" for hash in hashes.view(np.uint64)] == [
        str(imagehash.phash(picture)) for picture in pictures
    ]
