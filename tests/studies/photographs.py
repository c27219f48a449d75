"""A folder of real photographs: `images/`, and `labels.csv` with their WordNet ids.

The environment variable PHOTOS names it, or it is a folder `photos` beside the checkout or in a
folder beside it. Tests that need it are skipped without it, and say so.
"""

import csv
import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3]


def _found() -> Path | None:
    if named := os.environ.get("PHOTOS"):
        folder = Path(named).resolve()
        if not (folder / "labels.csv").is_file():
            raise FileNotFoundError(f"PHOTOS names {folder}, which has no labels.csv")
        return folder
    candidates = sorted((*BESIDE.glob("photos/labels.csv"), *BESIDE.glob("*/photos/labels.csv")))
    return candidates[0].parent if candidates else None


PHOTOS = _found()
needs_photographs = pytest.mark.skipif(
    PHOTOS is None, reason="no photographs: name their folder in the environment variable PHOTOS"
)


def wordnet_ids() -> dict[str, str]:
    """WordNet id by file name."""
    assert PHOTOS is not None
    with (PHOTOS / "labels.csv").open(newline="") as file:
        return {row["image"]: row["wnid"] for row in csv.DictReader(file)}
