"""Images in a zip; an import copies their bytes."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import Entry, is_picture_name
from imagesets.labels.imagenet import ClassEntry

# A member that unpacks to more than this is taken for a zip bomb.
MAX_MEMBER_BYTES = 512 * 1024 * 1024
# Of the format's specification (APPNOTE): general purpose bit 11, "version made by", 4.6.9.
IS_UTF8, UNIX, UNICODE_PATH = 0x800, 3, 0x7075


def is_zip(path: Path) -> bool:
    """Whether a file has a zip's structure, whatever its ending."""
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name; macOS writes UTF-8 without marking it so."""
    if info.flag_bits & IS_UTF8 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")  # zipfile decoded it from this
        return (_unicode_path(info.extra, raw) or raw).decode()
    except UnicodeError:  # DOS's own encoding, or Python 3.12 has read the Unicode field already
        return info.filename


def _unicode_path(extra: bytes, raw: bytes) -> bytes:
    """The name in Info-ZIP's Unicode Path field if the field is for the `raw` name; or b""."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[1:5] == struct.pack("<L", zlib.crc32(raw)):
            return field[5:]
    return b""


class ZipSource:
    """Every image file in a zip; its key is its path in the zip."""

    remote = False
    in_folders = True

    def __init__(self, path: Path) -> None:
        self.classes: dict[str, ClassEntry] = {}
        self.notes: list[str] = []
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, IndexError, NotImplementedError) as error:
            raise ImportRefused(f"{path}: cannot be read as a zip ({error})") from error

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        members = [info for info in self.zip.infolist() if info.filename]
        if nameless := len(self.zip.infolist()) - len(members):
            self.notes.append(f"{nameless} members of the zip without a name were left out")
        infos = [info for info in members if not info.is_dir()]
        names = [_name(info) for info in infos]
        slashes = any("/" in name for name in names)
        for name, info in zip(names, infos, strict=True):
            if info.create_system != UNIX or not slashes:  # on Unix a name may hold a backslash
                name = name.replace("\\", "/")
            key = name.removeprefix("./")
            if is_picture_name(key, named):
                yield Entry(key, place=info)

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        for entry in entries:
            yield entry, self._reader(entry.key, entry.place)

    def _reader(self, key: str, info: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            if key.startswith("/") or ".." in key.split("/"):
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
