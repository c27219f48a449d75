"""Lists of classes and labels that come with ImageNet, and are no CSV with a header."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.labels.imagenet import WORDNET_ID, ClassEntry, imagenet_classes

# LOC_synset_mapping.txt and synset_words.txt: a space; words.txt: a tab.
_SYNSET = re.compile(rf"({WORDNET_ID.pattern})[ \t]+(\S.*)")
_BOXES = re.compile(rf"({WORDNET_ID.pattern})((?:\s+-?\d+){{4}})?")


def read_imagenet_classes(path: Path) -> tuple[dict[str, ClassEntry], str] | None:
    """The classes of one of ImageNet's lists, and how it was read; None for any other file.

    imagenet_class_index.json: {"0": ["n01440764", "tench"], ...}. LOC_synset_mapping.txt,
    synset_words.txt, words.txt: a WordNet id and its names, separated by commas. Raises
    ImportRefused for a list of WordNet ids alone.
    """
    first = _first_line(path)
    if first.startswith("{") and (pairs := _class_index(path)):
        note = f"read as {len(pairs):,} classes in the order of their numbers, as Keras lists them"
        return _entries((key, name.replace("_", " ")) for key, name in pairs), note
    if WORDNET_ID.fullmatch(first):
        raise ImportRefused(
            f"{path}: holds WordNet ids alone. Leave --classes out, so that they mean ImageNet's"
            " classes, or give a table with the columns key,names"
        )
    if not _SYNSET.fullmatch(first):
        return None
    rows = []
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if match := _SYNSET.fullmatch(line.strip()):
            rows.append((match[1], match[2]))
        elif line.strip():
            raise ImportRefused(f"{path}, row {number}: is no WordNet id with names after it")
    if all(re.match(r"\d+(\s|$)", names) for _, names in rows):
        raise ImportRefused(
            f"{path}: has numbers where names should follow the WordNet ids. Give a table with the"
            " columns key,names: that as the first row, then rows such as n02119789,kit fox"
        )
    ((key, times),) = Counter(key for key, _ in rows).most_common(1)
    if times > 1:
        raise ImportRefused(f"{path}: {key} comes twice")
    note = f"read as {len(rows):,} WordNet ids, each with its names, separated by commas"
    return _entries(rows), note


def refuse_bare_numbers(path: Path) -> None:
    """Raise ImportRefused for a list of numbers alone, as the ground truth of ImageNet's devkit."""
    if re.fullmatch(r"\d+", _first_line(path)):
        raise ImportRefused(
            f"{path}: holds numbers alone, which name no images (and ImageNet's devkit numbers the"
            " classes in an order of its own). Give a table with the columns image,label: that as"
            " the first row, then rows such as ILSVRC2012_val_00000001.JPEG,n01751748"
        )


def label_of_boxes(cell: str) -> tuple[str, str]:
    """The label in a PredictionString of Kaggle's ImageNet, and what is wrong with it.

    The cell holds `n02123045 x y x y` for each box; all must be of one class.
    """
    classes = {match[1] for match in _BOXES.finditer(cell)}
    if not classes or _BOXES.sub("", cell).strip():
        return "", f"PredictionString holds {cell[:40]!r}, not a WordNet id and boxes"
    if len(classes) > 1:
        return "", f"PredictionString names several classes: {', '.join(sorted(classes))}"
    return classes.pop(), ""


def _first_line(path: Path) -> str:
    """The first line with something in it; "" if the file cannot be read, which others tell."""
    try:
        with path.open("rb") as file:
            beginning = file.read(4096)
    except OSError:
        return ""
    lines = beginning.decode("utf-8-sig", "replace").splitlines()
    return next((line.strip() for line in lines if line.strip()), "")


def _class_index(path: Path) -> list[tuple[str, str]] | None:
    """The WordNet ids and names of Keras' imagenet_class_index.json, by number."""
    try:
        content = json.loads(path.read_bytes())
        pairs = [content[str(number)] for number in range(len(content))]
        whole = all(
            isinstance(key, str) and isinstance(name, str) and key and name for key, name in pairs
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return [tuple(pair) for pair in pairs] if whole and len(dict(pairs)) == len(pairs) else None


def _entries(rows: Iterable[tuple[str, str]]) -> dict[str, ClassEntry]:
    superclasses = {entry.key: entry.superclass for entry in imagenet_classes()}
    return {
        key: ClassEntry(
            key,
            tuple(name.strip() for name in names.split(", ") if name.strip()),
            superclass=superclasses.get(key, ""),
        )
        for key, names in rows
    }
