"""Images in a folder or an ImageFolder tree; they may stay in place."""

import functools
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import Entry, is_hidden, is_picture_name
from imagesets.labels.imagenet import ClassEntry


def _read(path: str) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):  # reading a pipe might never end
        raise OSError("a device or a pipe, not a file")
    return Path(path).read_bytes()


class FolderSource:
    """Every image file below a folder, by path; links to folders are followed.

    Each folder is read once: as itself if it lies below the root, else as the first link to it.
    `notes` names the links that are ignored because of this.
    """

    remote = False
    in_folders = True

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self.classes: dict[str, ClassEntry] = {}
        self.notes: list[str] = []

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        for folder, files in self._folders(hidden_too=bool(named)):
            above = "" if folder == self.root else f"{os.path.relpath(folder, self.root)}/"
            for name in sorted(files):
                if is_picture_name(above + name, named):
                    yield Entry(above + name, location=os.path.join(folder, name))

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        for entry in entries:
            yield entry, functools.partial(_read, entry.location)

    def _folders(self, hidden_too: bool) -> Iterator[tuple[str, list[str]]]:
        """Each folder and its files: those below the root, then linked ones, then hidden ones."""
        read_as: dict[str, str] = {}  # real path -> the path as which the folder is read
        linked: list[str] = []
        hidden: list[str] = []

        def refuse(error: OSError) -> None:
            if not self._is_hidden(error.filename):
                raise ImportRefused(f"{error.filename}: {error.strerror}")

        def walk(top: str) -> Iterator[tuple[str, list[str]]]:
            for folder, below, files in os.walk(top, onerror=refuse):
                real = os.path.realpath(folder)
                if real in read_as:
                    self._note_ignored(folder, read_as[real])
                    below.clear()
                    continue
                read_as[real] = folder
                kept = []
                for name in sorted(below):
                    path = os.path.join(folder, name)
                    if is_hidden(name):
                        hidden.append(path)
                    elif os.path.islink(path):
                        linked.append(path)
                    else:
                        kept.append(name)
                below[:] = kept
                yield folder, files

        yield from walk(self.root)
        while linked or (hidden and hidden_too):
            yield from walk((linked or hidden).pop(0))

    def _note_ignored(self, folder: str, same: str) -> None:
        if self._is_hidden(folder):
            return
        link, target = (os.path.relpath(path, self.root) for path in (folder, same))
        what = "the whole of it" if same == self.root else repr(target)
        self.notes.append(f"linked folder {link!r} is ignored: it shows {what} again")

    def _is_hidden(self, folder: str) -> bool:
        return any(map(is_hidden, os.path.relpath(folder, self.root).split("/")))
