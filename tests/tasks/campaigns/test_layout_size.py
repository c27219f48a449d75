"""HITs counted from the labels' sizes come close to those of the layout itself."""

import random
from collections import Counter

import pytest

from tasks.campaigns.layout import lay_out_grids
from tasks.campaigns.layout_size import hits_about


@pytest.mark.parametrize(("images", "labels"), [(60, 500), (2000, 50), (1000, 1000), (5, 3)])
def test_about_as_many_as_the_layout_makes(images, labels):
    rng = random.Random(images)
    pairs = sorted(
        {
            (image, min(labels - 1, int(labels * rng.random() ** 2)))
            for image in range(images)
            for _ in range(12)
        }
    )
    laid_out = len(lay_out_grids(pairs, 48, 8, seed=1))
    most = max(Counter(image for image, _ in pairs).values())
    about = hits_about(Counter(label for _, label in pairs).values(), most, 48, 8)
    assert 0.9 * laid_out - 1 <= about <= 1.02 * laid_out + 1


def test_nothing_needs_no_hit():
    assert hits_about([], 0, 48, 8) == 0
