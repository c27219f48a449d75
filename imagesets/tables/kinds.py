"""Says what a file is that was given as a table: its encoding, or by name what else it is."""

import codecs
import io
import json
import re
import zipfile
from typing import BinaryIO

from imagesets.tables.problems import TableError

BEGINNING = 2**16  # bytes by which a file must be known
AS_CSV = 'save it as "CSV UTF-8"'

_PICTURE = "a picture ({}): give the table that names the pictures"
_COMPRESSED = "a compressed file ({}): decompress it first"
_OTHER_KINDS = {
    b"\xd0\xcf\x11\xe0": f"an Excel workbook of the old kind (.xls): open it and {AS_CSV}",
    b"PAR1": "a Parquet file, not a CSV: write its rows with pandas' to_csv(index=False)",
    b"ARROW1": "a Feather file, not a CSV: write its rows with pandas' to_csv(index=False)",
    b"SQLite format 3\0": "an SQLite database: export the table as CSV",
    b"\x89HDF": "an HDF5 file: write its rows as CSV",
    b"\x93NUMPY": "a NumPy array (.npy): write its rows as CSV (logits: an .npz of named arrays)",
    b"MATLAB 5.0": "a MATLAB file: write its rows as CSV",
    b"{\\rtf": f"an RTF document: {AS_CSV}, or as plain text",
    b"%PDF": "a PDF document: give the table as CSV",
    b"\x1f\x8b": _COMPRESSED.format("gzip"),
    b"BZh": _COMPRESSED.format("bzip2"),
    b"\xfd7zXZ": _COMPRESSED.format("xz"),
    b"\x28\xb5\x2f\xfd": _COMPRESSED.format("zstd"),
    b"7z\xbc\xaf": _COMPRESSED.format("7z"),
    b"Rar!": _COMPRESSED.format("RAR"),
    b"\x89PNG": _PICTURE.format("PNG"),
    b"\xff\xd8\xff": _PICTURE.format("JPEG"),
    b"GIF8": _PICTURE.format("GIF"),
    b"RIFF": _PICTURE.format("WebP"),
    b"II*\0": _PICTURE.format("TIFF"),
    b"MM\0*": _PICTURE.format("TIFF"),
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: run `git lfs pull` first",
    b"\x80\x02}": "a Python pickle: write its rows as CSV",
    b"\x80\x04\x95": "a Python pickle: write its rows as CSV",
    b"\x80\x05\x95": "a Python pickle: write its rows as CSV",
}
# What a zip is, by the names in it.
_ZIPS = {
    "xl/": f"an Excel workbook (.xlsx): open it and {AS_CSV}",
    "Index/": f"a Numbers spreadsheet: export it as CSV ({AS_CSV})",
    "word/": "a Word document: give the table as CSV",
    "content.xml": f"a LibreOffice document (.ods): open it and {AS_CSV}",
}
_MARKUP = re.compile(r"<(!doctype|html|head|body|table|script|\?xml|!--)", re.IGNORECASE)


def encoding_of(file: BinaryIO, json_too: bool = False) -> str:
    """The encoding of a seekable file of text; afterwards the file is at its start.

    Raises TableError, with what to do, for a file that is no table: a workbook, a picture, a page
    and so on, and JSON unless `json_too`.
    """
    file.seek(0)
    beginning = file.read(BEGINNING)
    file.seek(0)
    if kind := _other_kind(file, beginning):
        file.seek(0)
        raise TableError(0, f"is {kind}")
    encoding = _encoding(beginning)
    text = beginning.decode(encoding, "replace").lstrip()
    if _MARKUP.match(text):
        what = "an XML document" if text.startswith("<?xml") else "an HTML page"
        raise TableError(
            0, f"is {what}, not a CSV (perhaps a login or an error page: download the file itself)"
        )
    if text[:1] in ("{", "[") and not json_too:
        raise TableError(0, f"is {_json_kind(text)}, not a CSV: write its rows as a table")
    return encoding


def _other_kind(file: BinaryIO, beginning: bytes) -> str | None:
    if beginning[:4] == b"PK\3\4":
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        except Exception:  # zipfile's of many kinds, on a broken archive
            names = []
        for part, kind in _ZIPS.items():
            if any(name.startswith(part) for name in names):
                return kind
        return "a zip archive: unpack it, and give the table in it"
    return next((kind for mark, kind in _OTHER_KINDS.items() if beginning.startswith(mark)), None)


def _encoding(beginning: bytes) -> str:
    if beginning.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise TableError(0, f"is text in UTF-32, which is not read: {AS_CSV}")
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Of two bytes of UTF-16, one is NUL in all common letters of the West.
    if len(beginning) > 3 and beginning.count(b"\0") > len(beginning) // 4:
        halves = (beginning[::2].count(b"\0"), beginning[1::2].count(b"\0"))
        if min(halves) * 10 < max(halves):
            raise TableError(
                0,
                f"looks like text in UTF-16 without a byte order mark, which is not read: {AS_CSV}",
            )
        raise TableError(0, "is a binary file, not a CSV")
    return "utf-8-sig"


def _json_kind(text: str) -> str:
    keys = re.findall(r'"(\w+)"\s*:', text)
    if {"annotations", "categories"} & set(keys) and text[0] == "{":
        return "JSON of COCO's kind (images, annotations, categories)"
    with_lines = text.partition("\n")[0].strip()
    try:
        whole = with_lines.endswith("}") and isinstance(json.loads(with_lines), dict)
    except ValueError:
        whole = False
    return "JSON lines" if whole and text.strip() != with_lines else "JSON"


def undecodable(file: BinaryIO, encoding: str) -> TableError:
    """The error of a file whose text is not in this encoding: names the first such line."""
    if encoding != "utf-8-sig":
        return TableError(0, f"is not whole text in UTF-16: {AS_CSV}")
    file.seek(0)
    lines = io.TextIOWrapper(file, "latin-1", newline="")
    try:
        for number, line in enumerate(lines, 1):
            raw = line.encode("latin-1")
            try:
                raw.decode()
            except UnicodeDecodeError:
                there = raw.decode("cp1252", "replace").strip()[:60]
                message = f"is not UTF-8 text (as Windows-1252 it reads {there!r}): {AS_CSV}"
                return TableError(number, message)
    finally:
        lines.detach()
    return TableError(0, f"is not UTF-8 text: {AS_CSV}")
