"""Takes labels from folders: decides which folders name classes, and notes what it decided."""

from collections import Counter
from collections.abc import Collection

from imagesets.importing.sources import Entry
from imagesets.importing.sources.entries import SPLIT
from imagesets.importing.unicode_forms import forms
from imagesets.labels.imagenet import is_wordnet_id

LISTED = 10  # folders, in one note or in notes of their own


def labelled_by_folders(
    entries: list[Entry], classes: Collection[str]
) -> tuple[list[Entry], list[str]]:
    """Each entry with a folder above it as its label, and notes on what was decided.

    In an ImageFolder tree (`label/file.jpg`, perhaps below other folders, or below splits such as
    train and val) every folder of images is a label, unless a folder above some of them is a known
    class. Else only known classes are labels, those in `classes`, or any WordNet id if `classes`
    is empty, and the nearest one above an image is its label. Images without folders get no labels
    and no notes.
    """
    images = Counter(_above(entry.key) for entry in entries)
    if set(images) == {""}:
        return entries, []
    known = {form for key in classes for form in forms(key)}

    def is_class(name: str) -> bool:
        return name in known if known else is_wordnet_id(name)

    classes_above = {
        folder: names
        for folder in images
        if (names := [name for name in folder.split("/") if is_class(name)])
    }
    label_of = {folder: names[-1] for folder, names in classes_above.items()}
    parents = {_above(folder) for folder in images}
    same_depth = "" not in images and len({folder.count("/") for folder in images}) == 1
    are_splits = all(SPLIT.fullmatch(_name(folder)) for folder in parents)
    are_splits = are_splits and len({_above(folder) for folder in parents}) == 1
    deeper = any(label != _name(folder) for folder, label in label_of.items())
    if same_depth and not deeper and (len(parents) == 1 or (are_splits and not label_of)):
        label_of = {folder: _name(folder) for folder in images}
    labelled = [entry._replace(label=label_of.get(_above(entry.key), "")) for entry in entries]
    return labelled, _notes(images, label_of, classes_above, bool(known))


def _notes(
    images: Counter[str],
    label_of: dict[str, str],
    classes_above: dict[str, list[str]],
    classes_given: bool,
) -> list[str]:
    if not label_of:
        why = "none of them is a class" if classes_given else "no classes are given"
        return [f"no labels from folders: they form no tree label/file.jpg, and {why}"]
    notes = []
    ignored = sorted(
        {folder[: -len(label) - 1] for folder, label in label_of.items() if _name(folder) == label}
        - {""}
    )
    if ignored:
        notes.append(
            f"labels are the folders that images are in; ignored above them: {_some(ignored)}"
        )
    below = sorted(folder for folder, label in label_of.items() if _name(folder) != label)
    if below:
        number = sum(images[folder] for folder in below)
        notes.append(
            f"{_counted(number)} lie{'' if number > 1 else 's'} deeper below the folder of a class,"
            f" which is the label: {_some(below)}"
        )
    doubtful = sorted(
        folder
        for folder, names in classes_above.items()
        if len(set(names)) > 1 and label_of[folder] == names[-1]
    )
    if doubtful:
        number = sum(images[folder] for folder in doubtful)
        notes.append(
            f"{_counted(number)} lie{'' if number > 1 else 's'} below folders of several classes;"
            f" the nearest is the label: {_some(doubtful)}"
        )
    without = sorted(folder for folder in images if folder not in label_of)
    for folder in without[:LISTED]:
        why = f"{folder!r}, as {_name(folder)!r} is not a class" if folder else "no folder"
        notes.append(f"no label for {_counted(images[folder])} in {why}")
    if len(without) > LISTED:
        rest = sum(images[folder] for folder in without[LISTED:])
        notes.append(f"no label for {_counted(rest)} in other folders ({len(without) - LISTED:,})")
    return notes


def _some(folders: list[str]) -> str:
    return ", ".join(map(repr, folders[:LISTED])) + (", ..." if len(folders) > LISTED else "")


def _counted(images: int) -> str:
    return f"{images:,} image{'s' if images > 1 else ''}"


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
