"""The 1,000 classes of ImageNet-1k: WordNet ids, names, definitions, eleven superclasses."""

import bisect
import csv
import functools
import importlib.util
import re
from pathlib import Path
from typing import Any, NamedTuple

WORDNET_ID = re.compile(r"n\d{8}")

# Ranges of the sorted ids, made for this project. Among living things the ids follow kinship, and
# a range holds a family; artifacts are sorted by name, so their ranges are short. The rest goes
# with what its pictures resemble most: landscapes with structures, persons (ballplayer, groom,
# scuba diver) with implements.
SUPERCLASSES = Path(__file__).with_name("superclasses.csv")


class ClassEntry(NamedTuple):
    """One class of a label set, as in a row of classes.csv."""

    key: str
    names: tuple[str, ...]
    definition: str = ""
    wikipedia: tuple[str, ...] = ()
    superclass: str = ""
    translations: dict[str, dict[str, Any]] = {}  # by language code: names, definition


@functools.cache
def imagenet_classes() -> tuple[ClassEntry, ...]:
    """The classes in the order of their index: entry i is the meaning of a classifier's output i.

    Read from the text files in timm's package, without importing timm (which loads torch).
    Raises FileNotFoundError if timm is not installed.
    """
    folder = _timm_folder() / "data" / "_info"
    keys = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    wanted = set(keys)
    names = _table(folder / "imagenet_synset_to_lemma.txt", wanted)
    definitions = _table(folder / "imagenet_synset_to_definition.txt", wanted)
    return tuple(
        ClassEntry(
            key,
            tuple(name.strip() for name in names[key].split(", ")),
            definitions.get(key, ""),
            (),
            superclass_of(key),
        )
        for key in keys
    )


def superclass_of(key: str) -> str:
    """The superclass of an ImageNet-1k WordNet id; empty for other keys beyond the table."""
    lasts, names = _superclass_ranges()
    at = bisect.bisect_left(lasts, key)
    return names[at] if at < len(lasts) else ""


@functools.cache
def _superclass_ranges() -> tuple[list[str], list[str]]:
    with SUPERCLASSES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["last"] for row in rows], [row["superclass"] for row in rows]


def is_wordnet_id(key: str) -> bool:
    """Whether a key has the form of a noun's WordNet id, as ImageNet writes it."""
    return WORDNET_ID.fullmatch(key) is not None


def _timm_folder() -> Path:
    spec = importlib.util.find_spec("timm")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("timm is not installed: its tables name the ImageNet classes")
    return Path(spec.submodule_search_locations[0])


def _table(path: Path, wanted: set[str]) -> dict[str, str]:
    rows = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            key, _, text = line.rstrip("\n").partition("\t")
            if key in wanted:
                rows[key] = text
    return rows
