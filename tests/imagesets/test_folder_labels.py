"""Trees of folders: each image has the label of its folder, or a line says that it has none."""

import itertools
import random
import re

import pytest

from imagesets.importing.folder_labels import labelled_by_folders
from imagesets.importing.sources import Entry

CAT, DOG = "n02123045", "n02085620"


def read_tree(*keys: str, classes: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """The label of each image by its file's name, and what was decided."""
    entries, lines = labelled_by_folders([Entry(key) for key in keys], set(classes))
    assert [entry.key for entry in entries] == list(keys)
    return [entry.label for entry in entries], lines


@pytest.mark.parametrize(
    ("keys", "classes", "labels"),
    [
        ((f"train/{CAT}/a.jpg", f"val/{DOG}/b.jpg"), (), [CAT, DOG]),
        (("in/Training/cat/a.jpg", "in/test/dog/b.jpg"), (), ["cat", "dog"]),
        (("train2017/cat/a.jpg", "val2017/dog/b.jpg"), ("cat", "dog"), ["cat", "dog"]),
        (("animals/cat/a.jpg", "things/tub/b.jpg"), ("cat", "tub"), ["cat", "tub"]),
        (("cat/a.jpg", "tub/b.jpg"), (), ["cat", "tub"]),
        (("a/b/c/cat/a.jpg",), ("cat",), ["cat"]),
    ],
)
def test_the_folder_just_above_is_the_label(keys, classes, labels):
    found, lines = read_tree(*keys, classes=classes)
    assert found == labels
    assert not any("no label" in line for line in lines)
    assert bool(lines) == (keys[0].count("/") > 1)  # what was passed over


def test_what_has_no_class_above_it_is_said():
    labels, lines = read_tree(
        "train/cat/a.jpg",
        "val/cat/b.jpg",
        "test/c.jpg",
        "test/d.jpg",
        "train/cat/old/e.jpg",
        "logo.png",
        classes=("cat",),
    )
    assert labels == ["cat", "cat", "", "", "", ""]
    assert lines == [
        "labels are the folders that images are in; ignored above them: 'train', 'val'",
        "no label for 1 image in no folder",
        "no label for 2 images in 'test', as 'test' is not a class",
        "no label for 1 image in 'train/cat/old', as 'old' is not a class",
    ]


def test_a_tree_that_names_no_class_is_said_to():
    tree = ("site1/cat/a.jpg", "site2/dog/b.jpg")
    labels, lines = read_tree(*tree)
    assert labels == ["", ""]
    assert "no labels from folders" in lines[0]
    assert "no classes are given" in lines[0]
    labels, lines = read_tree(*tree, classes=("tub",))
    assert labels == ["", ""]
    assert "none of them is a class" in lines[0]


def test_images_without_folders_need_no_words():
    assert read_tree("a.jpg", "b.jpg") == (["", ""], [])


@pytest.mark.parametrize("seed", range(20))
def test_no_image_is_ever_without_label_and_without_a_word(seed):
    rng = random.Random(seed)
    names = ("train", "val", "cat", "tub", "odd", "in")
    paths = itertools.chain.from_iterable(itertools.product(names, repeat=n) for n in (0, 1, 2, 3))
    keys = ["/".join((*path, "x.jpg")) for path in rng.sample(list(paths), rng.randrange(1, 9))]
    labels, lines = read_tree(*keys, classes=("cat", "tub"))
    for key, label in zip(keys, labels, strict=True):
        assert label in ("", key.split("/")[-2] if "/" in key else "")
        assert label or not key.endswith(("/cat/x.jpg", "/tub/x.jpg"))
    counted = sum(int(n) for line in lines for n in re.findall(r"no label for (\d+) image", line))
    if any("/" in key for key in keys):
        assert counted == labels.count("") or lines[0].startswith("no labels from folders")
