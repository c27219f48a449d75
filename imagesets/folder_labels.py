"""Labels by folders: which trees of folders name classes, and what is said of those that do not."""

import re
from collections import Counter
from collections.abc import Collection

from imagesets.imagenet import is_wordnet_id
from imagesets.names import forms
from imagesets.sources import Entry

SPLIT = re.compile(
    r"(train|training|val|valid|validation|test|testing|dev|eval|evaluation)[-_ ]?\d*", re.I
)
LISTED = 10  # folders, in a line or in lines of their own


def labelled_by_folders(
    entries: list[Entry], classes: Collection[str]
) -> tuple[list[Entry], list[str]]:
    """The entries with the folder just above each as its label, and lines on what was decided.

    An ImageFolder tree (`label/file.jpg`, with folders around the whole of it, or splits such as
    train and val above the labels) is taken at its word. In any other tree, and in one with splits
    as soon as one folder is a class, only folders that are classes are labels: those among
    `classes`, or with none given all of WordNet's ids. Images without folders: no labels, no lines.
    """
    images = Counter(_above(entry.key) for entry in entries)
    if set(images) == {""}:
        return entries, []
    known = {form for key in classes for form in forms(key)}
    named = {
        folder: _name(folder)
        for folder in images
        if (_name(folder) in known if known else is_wordnet_id(_name(folder)))
    }
    around = {_above(folder) for folder in images}
    even = "" not in images and len({folder.count("/") for folder in images}) == 1
    splits = all(SPLIT.fullmatch(_name(folder)) for folder in around)
    splits = splits and len({_above(folder) for folder in around}) == 1
    if even and (len(around) == 1 or (splits and not named)):
        named = {folder: _name(folder) for folder in images}
    labels = [entry._replace(label=named.get(_above(entry.key), "")) for entry in entries]
    return labels, _decided(images, named, bool(known))


def _decided(images: Counter[str], named: dict[str, str], classes_given: bool) -> list[str]:
    if not named:
        why = "none of them is a class" if classes_given else "no classes are given"
        return [f"no labels from folders: they form no tree label/file.jpg, and {why}"]
    lines = []
    passed = sorted({_above(folder) for folder in named} - {""})
    if passed:
        shown = ", ".join(map(repr, passed[:LISTED])) + (", ..." if len(passed) > LISTED else "")
        lines.append(f"labels are the folders that images are in; passed over above them: {shown}")
    without = sorted(folder for folder in images if folder not in named)
    for folder in without[:LISTED]:
        why = f"{folder!r}, as {_name(folder)!r} is no class" if folder else "no folder"
        lines.append(f"no label for {_so_many(images[folder])} in {why}")
    if len(without) > LISTED:
        rest = sum(images[folder] for folder in without[LISTED:])
        lines.append(f"no label for {_so_many(rest)} in other folders ({len(without) - LISTED:,})")
    return lines


def _so_many(images: int) -> str:
    return f"{images:,} image{'s' if images > 1 else ''}"


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
