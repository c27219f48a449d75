"""Images in a zip; their bytes are copied out on import."""

import zipfile
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.imagenet import ClassEntry
from imagesets.sources.entries import Entry, is_picture_name, with_folder_labels

# A member that unpacks to more than this is no picture but a bomb.
MAX_MEMBER_BYTES = 512 * 1024 * 1024


def is_zip(path: Path) -> bool:
    """Whether a file has a zip's structure, whatever its ending."""
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


class ZipSource:
    """Every image file in a zip; its key is its path in there."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.classes: dict[str, ClassEntry] = {}
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise ImportRefused(f"{path}: cannot be read as a zip ({error})") from error

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        found = [
            Entry(info.filename, place=info)
            for info in self.zip.infolist()
            if not info.is_dir() and is_picture_name(info.filename, named)
        ]
        yield from with_folder_labels(found)

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        for entry in entries:
            yield entry, self._reader(entry.place)

    def _reader(self, info: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            if info.filename.startswith("/") or ".." in info.filename.split("/"):
                raise OSError("its path leads out of the zip")
            if info.file_size > MAX_MEMBER_BYTES:
                raise OSError(f"unpacks to {info.file_size >> 20} MiB")
            try:
                return self.zip.read(info)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
                raise OSError(str(error) or "damaged in the zip") from error
            except Exception as error:  # zlib.error and the like, one class per method
                raise OSError(f"damaged in the zip ({error})") from error

        return read
