"""Reads classes.csv and labels.csv; an error names the file and the row, counted as editors do."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from imagesets.errors import ImportRefused
from imagesets.imagenet import ClassEntry

KEY_LENGTH, ADDRESS_LENGTH = 200, 500  # as the columns of Label


class LabelRow(NamedTuple):
    """One row of labels.csv and where it stands."""

    label: str
    row: int


def read_classes(path: Path) -> dict[str, ClassEntry]:
    """Label key -> class, in the order of the file.

    Columns: key and names required; definition, wikipedia, superclass may be missing or empty;
    names and wikipedia are separated by ";" or "|". Raises ImportRefused.
    """
    classes: dict[str, ClassEntry] = {}
    rows: dict[str, int] = {}
    for row, cells in rows_of(path, ("key", "names")):
        at = f"{path}, row {row}"
        key = cells["key"]
        if not key:
            raise ImportRefused(f"{at}: key is empty")
        if len(key) > KEY_LENGTH:
            raise ImportRefused(f"{at}: key is longer than {KEY_LENGTH} characters")
        if key in classes:
            raise ImportRefused(f"{at}: key {key!r} stands in row {rows[key]} already")
        names = _split(cells["names"])
        if not names:
            raise ImportRefused(f"{at}: names is empty (key {key!r})")
        wikipedia = _split(cells.get("wikipedia", ""))
        for address in wikipedia:
            if not re.match(r"https?://\S+$", address) or len(address) > ADDRESS_LENGTH:
                raise ImportRefused(f"{at}: wikipedia is no web address: {address!r}")
        superclass = cells.get("superclass", "")
        if len(superclass) > KEY_LENGTH:
            raise ImportRefused(f"{at}: superclass is longer than {KEY_LENGTH} characters")
        rows[key] = row
        classes[key] = ClassEntry(key, names, cells.get("definition", ""), wikipedia, superclass)
    if not classes:
        raise ImportRefused(f"{path}: no classes in it")
    return classes


def read_labels(path: Path) -> dict[str, LabelRow]:
    """Image key -> its row. Columns: image, and label or wnid. Raises ImportRefused."""
    labels: dict[str, LabelRow] = {}
    for row, cells in rows_of(path, ("image", ("label", "wnid"))):
        at = f"{path}, row {row}"
        image, label = cells["image"], cells["label"] if "label" in cells else cells["wnid"]
        if not image:
            raise ImportRefused(f"{at}: image is empty")
        if not label:
            raise ImportRefused(f"{at}: label is empty (image {image!r})")
        if image in labels:
            raise ImportRefused(f"{at}: image {image!r} stands in row {labels[image].row} already")
        labels[image] = LabelRow(label, row)
    if not labels:
        raise ImportRefused(f"{path}: no labels in it")
    return labels


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in (p.strip() for p in re.split(r"[;|]", cell)) if part)


def rows_of(
    path: Path, required: tuple[str | tuple[str, ...], ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line of the file where the row ends, cells by column) of each row that is not empty.

    UTF-8 CSV with a header, in which each of `required` (or one of several names) must stand.
    Columns without a name, as spreadsheet programs leave them, must be empty. Raises ImportRefused.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(path, header, required)
            named = [at for at, name in enumerate(header) if name]
            unnamed = [at for at, name in enumerate(header) if not name]
            width = named[-1] + 1
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not any(cells):
                    continue
                where = f"{path}, row {reader.line_num}"
                for at in unnamed:
                    if any(cells[at : at + 1]):
                        raise ImportRefused(f"{where}: {cells[at]!r} in a column without a name")
                if len(cells) < width or any(cells[len(header) :]):
                    raise ImportRefused(
                        f"{where}: {len(cells)} cells under {width} columns"
                        " (a comma inside a cell needs quotes around it)"
                    )
                if any("\0" in cell for cell in cells):
                    raise ImportRefused(f"{where}: holds a NUL character")
                yield reader.line_num, {header[at]: cells[at] for at in named}
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except csv.Error as error:
        raise ImportRefused(f"{path}, row {reader.line_num}: {error}") from error


def _check_header(
    path: Path, header: list[str], required: tuple[str | tuple[str, ...], ...]
) -> None:
    found = ", ".join(name for name in header if name) or "none"
    for names in required:
        names = (names,) if isinstance(names, str) else names
        present = [name for name in names if name in header]
        if not present:
            wanted = " or ".join(repr(name) for name in names)
            raise ImportRefused(f"{path}, row 1: no column {wanted} (columns: {found})")
        if len(present) > 1:
            raise ImportRefused(f"{path}, row 1: both columns {' and '.join(present)}")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise ImportRefused(f"{path}, row 1: column {min(twice)!r} stands there twice")
