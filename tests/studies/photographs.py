"""A folder of real photographs: `images/`, and `labels.csv` with their WordNet ids.

The environment variable PHOTOS names it, or it is a folder `photos` beside the checkout or in a
folder beside it. Tests that need it are skipped without it, and say so.
"""

import csv

import pytest

from tests.studies.beside import folder

PHOTOS = folder("PHOTOS", "labels.csv")
needs_photographs = pytest.mark.skipif(
    PHOTOS is None, reason="no photographs: name their folder in the environment variable PHOTOS"
)


def wordnet_ids() -> dict[str, str]:
    """WordNet id by file name."""
    assert PHOTOS is not None
    with (PHOTOS / "labels.csv").open(newline="") as file:
        return {row["image"]: row["wnid"] for row in csv.DictReader(file)}
