"""Reads classes.csv and labels.csv; an error names the file, the row and the column."""

import re
from pathlib import Path
from typing import NamedTuple

from imagesets.errors import ImportRefused
from imagesets.labels.imagenet import ClassEntry
from imagesets.tables import rows_of

KEY_LENGTH, ADDRESS_LENGTH = 200, 500  # as the columns of Label


class LabelRow(NamedTuple):
    """An image's label in labels.csv, and the row that gives it."""

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
            raise ImportRefused(f"{at}: key {key!r} is already in row {rows[key]}")
        names = _split(cells["names"])
        if not names:
            raise ImportRefused(f"{at}: names is empty (key {key!r})")
        wikipedia = _split(cells.get("wikipedia", ""))
        for address in wikipedia:
            if not re.match(r"https?://\S+$", address) or len(address) > ADDRESS_LENGTH:
                raise ImportRefused(f"{at}: wikipedia is not a web address: {address!r}")
        superclass = cells.get("superclass", "")
        if len(superclass) > KEY_LENGTH:
            raise ImportRefused(f"{at}: superclass is longer than {KEY_LENGTH} characters")
        rows[key] = row
        classes[key] = ClassEntry(key, names, cells.get("definition", ""), wikipedia, superclass)
    if not classes:
        raise ImportRefused(f"{path}: has no classes")
    return classes


def read_labels(path: Path) -> dict[str, LabelRow]:
    """Image key -> its label and row. Columns: image, and label or wnid. Raises ImportRefused."""
    labels: dict[str, LabelRow] = {}
    for row, cells in rows_of(path, ("image", ("label", "wnid"))):
        at = f"{path}, row {row}"
        image, label = cells["image"], cells["label"] if "label" in cells else cells["wnid"]
        if not image:
            raise ImportRefused(f"{at}: image is empty")
        if not label:
            raise ImportRefused(f"{at}: label is empty (image {image!r})")
        if image in labels:
            raise ImportRefused(f"{at}: image {image!r} is already in row {labels[image].row}")
        labels[image] = LabelRow(label, row)
    if not labels:
        raise ImportRefused(f"{path}: has no labels")
    return labels


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in (p.strip() for p in re.split(r"[;|]", cell)) if part)
