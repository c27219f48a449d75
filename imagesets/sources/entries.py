"""What every source gives: entries, and the bytes behind them."""

import functools
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from imagesets.imagenet import ClassEntry


class Entry(NamedTuple):
    """One image file of a source.

    `label`: the label that the source itself gives (an ImageFolder's folder, a Parquet column).
    `location`: where it stays readable without the source; empty if the bytes have to be copied.
    `place`: the source's own note of where the bytes are.
    """

    key: str
    label: str = ""
    location: str = ""
    place: Any = None


class Source(Protocol):
    """A place that images come from."""

    # Label key -> class, where the source brings its own label set; empty for most.
    classes: dict[str, ClassEntry]

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        """Every image file, in the order of the source; files in `named` whatever their ending.

        Raises ImportRefused where the source cannot be read.
        """
        ...

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        """Each entry with a function that reads its bytes: from any thread, raising OSError."""
        ...


@functools.cache
def picture_endings() -> frozenset[str]:
    """The file endings, with dot and in small letters, that mean a picture."""
    from PIL import Image

    Image.init()
    readable = {
        ending for ending, format in Image.registered_extensions().items() if format in Image.OPEN
    }
    # Pillow also opens what nobody means by an image of a dataset.
    return frozenset(
        readable
        - {
            ".pdf",
            ".eps",
            ".ps",
            ".mpg",
            ".mpeg",
            ".h5",
            ".hdf",
            ".grib",
            ".bufr",
            ".fit",
            ".fits",
            ".wmf",
            ".emf",
        }
    )


def is_picture_name(key: str, named: Container[str]) -> bool:
    """Whether a file is taken for an image: by its ending, or because labels.csv names it."""
    if key in named:
        return True
    name = key.rpartition("/")[2]
    if name.startswith(".") or "__MACOSX" in key.split("/"):
        return False
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in picture_endings()


def with_folder_labels(entries: list[Entry]) -> list[Entry]:
    """Entries labelled by folder where they form an ImageFolder tree (`key/file.jpg`).

    The label is the first folder below the root; one folder around the whole tree (as zips have)
    is passed over. Images outside of any folder, or a tree of mixed depth: no labels.
    """
    parts = [entry.key.split("/") for entry in entries]
    around = 0
    if parts and min(map(len, parts)) > 2 and len({p[0] for p in parts}) == 1:
        around = 1
    if not parts or {len(p) for p in parts} != {around + 2}:
        return entries
    return [entry._replace(label=p[around]) for entry, p in zip(entries, parts, strict=True)]
