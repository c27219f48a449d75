"""The demo's dataset: the same bytes for a seed, and a truth that fits its labels."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from imagesets.labels.imagenet import imagenet_classes
from imagesets.pictures.demo_photos import COLLAGES, OTHER_PANEL, PHOTOGRAPHS, make_photos


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    make_photos(folder, seed=3)
    return folder


def test_a_seed_gives_the_same_bytes_and_another_gives_others(photos, tmp_path):
    def content(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*")}

    make_photos(tmp_path / "same", seed=3)
    make_photos(tmp_path / "other", seed=4)
    assert content(photos) == content(tmp_path / "same")
    assert content(photos)["truth.csv"] != content(tmp_path / "other")["truth.csv"]


def test_truth_has_one_main_object_and_no_label_twice(photos):
    truth = rows(photos / "truth.csv")
    mains = Counter(row["image"] for row in truth if row["main"] == "true")
    assert set(mains.values()) == {1}
    assert mains.keys() == {row["image"] for row in truth}
    pairs = Counter((row["image"], row["label"]) for row in truth)
    assert set(pairs.values()) == {1}
    assert {row["label"] for row in truth} <= {entry.key for entry in imagenet_classes()}


def test_dataset_labels_name_the_largest_panel_in_most_collages(photos):
    main = {r["image"]: r["label"] for r in rows(photos / "truth.csv") if r["main"] == "true"}
    things = Counter(r["image"] for r in rows(photos / "truth.csv"))
    labels = {r["image"]: r["label"] for r in rows(photos / "labels.csv")}
    collages = {key: label for key, label in labels.items() if key.startswith("collage")}
    assert len(collages) == COLLAGES
    assert len(labels) == COLLAGES + len(PHOTOGRAPHS)
    assert sum(main[key] != label for key, label in collages.items()) == OTHER_PANEL
    assert all(things[key] >= 1 for key in collages)
    assert labels.keys() == {path.name for path in (photos / "images").iterdir()}
