"""What every source offers: entries, and the bytes behind them."""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from imagesets.labels.imagenet import ClassEntry
from imagesets.pictures.decoding import picture_endings

# Made by macOS, Synology (thumbnails), Windows, Linux.
LEFT_BY_PROGRAMS = {
    "__MACOSX",
    "@eaDir",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
}
# Names of splits, as folders and files have them.
SPLIT = re.compile(
    r"(train|training|val|valid|validation|test|testing|dev|eval|evaluation)[-_ ]?\d*", re.I
)


class Entry(NamedTuple):
    """One image file of a source.

    `label`: from a Parquet column; folder_labels.py takes labels from folders.
    `location`: where it stays readable without the source; empty if the bytes have to be copied.
    `place`: the source's own note of where the bytes are.
    """

    key: str
    label: str = ""
    location: str = ""
    place: Any = None


class Source(Protocol):
    """A place that images come from."""

    # Label key -> class, if the source brings its own label set; empty for most.
    classes: dict[str, ClassEntry]
    remote: bool  # whether its bytes come over a network
    in_folders: bool  # whether its keys are paths whose folders may be labels
    notes: list[str]  # what a person should know about the listing

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        """Every image file, in the order of the source; those in `named` whatever their ending.

        Raises ImportRefused if the source cannot be read.
        """
        ...

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        """Each entry with a function that reads its bytes in any thread, or raises OSError."""
        ...


def is_picture_name(key: str, named: Container[str]) -> bool:
    """Whether a file counts as an image: by its ending, or because labels.csv names it."""
    if key in named:
        return True
    name = key.rpartition("/")[2]
    dot = name.rfind(".")
    if dot <= 0 or name[dot:].lower() not in picture_endings():
        return False
    return not any(map(is_hidden, key.split("/")))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name belongs to a program, not to people."""
    return name in LEFT_BY_PROGRAMS or (name.startswith(".") and name not in (".", ".."))
