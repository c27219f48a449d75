"""Images in a folder or an ImageFolder tree; they may stay where they are."""

import functools
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.imagenet import ClassEntry
from imagesets.sources.entries import Entry, is_picture_name, with_folder_labels


def _read(path: str) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for without end
        raise OSError("no file but a device or a pipe")
    return Path(path).read_bytes()


class FolderSource:
    """Every image file below a folder, by path; links to folders are followed."""

    remote = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self.classes: dict[str, ClassEntry] = {}

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        found = []
        for path in self._files():
            key = path.relative_to(self.root).as_posix()
            if is_picture_name(key, named):
                found.append(Entry(key, location=str(path)))
        yield from with_folder_labels(found)

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        for entry in entries:
            yield entry, functools.partial(_read, entry.location)

    def _files(self) -> Iterator[Path]:
        seen = set()

        def refuse(error: OSError) -> None:
            raise ImportRefused(f"{error.filename}: {error.strerror}")

        for folder, below, files in os.walk(self.root, followlinks=True, onerror=refuse):
            real = os.path.realpath(folder)
            if real in seen:  # a link to a folder above would never end
                below.clear()
                continue
            seen.add(real)
            below.sort()
            for name in sorted(files):
                yield Path(folder) / name
