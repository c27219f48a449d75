"""Takes labels from folders: decides which folders name classes, and notes what it decided."""

import re
from collections import Counter
from collections.abc import Collection

from imagesets.importing.sources import Entry
from imagesets.importing.unicode_forms import forms
from imagesets.labels.imagenet import is_wordnet_id

SPLIT = re.compile(
    r"(train|training|val|valid|validation|test|testing|dev|eval|evaluation)[-_ ]?\d*", re.I
)
LISTED = 10  # folders, in one note or in notes of their own


def labelled_by_folders(
    entries: list[Entry], classes: Collection[str]
) -> tuple[list[Entry], list[str]]:
    """Each entry with the folder just above it as its label, and notes on what was decided.

    In an ImageFolder tree (`label/file.jpg`, perhaps below other folders, or below splits such as
    train and val) every folder of images is a label. In any other tree, and in one with splits
    where some folder is a known class, only known classes are labels: those in `classes`, or any
    WordNet id if `classes` is empty. Images without folders get no labels and no notes.
    """
    images = Counter(_above(entry.key) for entry in entries)
    if set(images) == {""}:
        return entries, []
    known = {form for key in classes for form in forms(key)}
    label_of = {
        folder: _name(folder)
        for folder in images
        if (_name(folder) in known if known else is_wordnet_id(_name(folder)))
    }
    parents = {_above(folder) for folder in images}
    same_depth = "" not in images and len({folder.count("/") for folder in images}) == 1
    are_splits = all(SPLIT.fullmatch(_name(folder)) for folder in parents)
    are_splits = are_splits and len({_above(folder) for folder in parents}) == 1
    if same_depth and (len(parents) == 1 or (are_splits and not label_of)):
        label_of = {folder: _name(folder) for folder in images}
    labelled = [entry._replace(label=label_of.get(_above(entry.key), "")) for entry in entries]
    return labelled, _notes(images, label_of, bool(known))


def _notes(images: Counter[str], label_of: dict[str, str], classes_given: bool) -> list[str]:
    if not label_of:
        why = "none of them is a class" if classes_given else "no classes are given"
        return [f"no labels from folders: they form no tree label/file.jpg, and {why}"]
    notes = []
    ignored = sorted({_above(folder) for folder in label_of} - {""})
    if ignored:
        shown = ", ".join(map(repr, ignored[:LISTED])) + (", ..." if len(ignored) > LISTED else "")
        notes.append(f"labels are the folders that images are in; ignored above them: {shown}")
    without = sorted(folder for folder in images if folder not in label_of)
    for folder in without[:LISTED]:
        why = f"{folder!r}, as {_name(folder)!r} is not a class" if folder else "no folder"
        notes.append(f"no label for {_counted(images[folder])} in {why}")
    if len(without) > LISTED:
        rest = sum(images[folder] for folder in without[LISTED:])
        notes.append(f"no label for {_counted(rest)} in other folders ({len(without) - LISTED:,})")
    return notes


def _counted(images: int) -> str:
    return f"{images:,} image{'s' if images > 1 else ''}"


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
