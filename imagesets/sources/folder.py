"""Images in a folder or an ImageFolder tree; they may stay where they are."""

import os
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.imagenet import ClassEntry
from imagesets.sources.entries import Entry, is_picture_name, with_folder_labels


class FolderSource:
    """Every image file below a folder, by path; links to folders are followed."""

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
            yield entry, Path(entry.location).read_bytes

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
