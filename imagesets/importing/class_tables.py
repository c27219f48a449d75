"""Reads the tables of classes and labels; an error names the file, the rows and the column."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from django.conf.locale import LANG_INFO

from imagesets.errors import ImportRefused
from imagesets.importing import known_tables
from imagesets.labels.imagenet import ClassEntry
from imagesets.tables.named_rows import NamedRows
from imagesets.tables.problems import short

KEY_LENGTH, ADDRESS_LENGTH = 200, 500  # as the columns of Label

CLASSES = {"key": ("key", "wnid", "synset"), "names": ("names", "name", "words")}
# Columns of one language: name -> (part, code).
TRANSLATED = {
    f"{part}_{code}": (part, code) for part in ("names", "definition") for code in LANG_INFO
}
# As other tools call them: Hugging Face's file_name, Keras' filename and class, Kaggle's image_id.
LABELS = {
    "image": (
        *("image", "file_name", "filename", "file", "path", "filepath", "file_path"),
        *("image_path", "image_name", "image_id", "imageid", "img", "img_path"),
    ),
    "label": (
        *("label", "wnid", "class", "category", "synset", "class_name", "label_name"),
        *("category_name", "class_label", "class_id", "label_id", "category_id", "class_index"),
        *("predictionstring", "dataset_label"),
    ),
}


class LabelRow(NamedTuple):
    """An image's label in labels.csv, and the row that gives it."""

    label: str
    row: int


def read_classes(path: Path, notes: list[str] | None = None) -> dict[str, ClassEntry]:
    """Label key -> class, in the order of the file; adds what was taken for granted to `notes`.

    Columns: key and names required; definition, wikipedia, superclass may be missing or empty;
    names and wikipedia are separated by ";" or "|". names_xx and definition_xx, of any language
    code xx, are what workers read in that language. Also ImageNet's own lists (known_tables.py).
    Raises ImportRefused.
    """
    if (known := known_tables.read_imagenet_classes(path)) is not None:
        classes, note = known
        notes = [] if notes is None else notes
        notes.append(f"{path.name}: {note}")
        return classes
    optional = ("definition", "wikipedia", "superclass", *TRANSLATED)
    table = NamedRows(path, CLASSES, optional, "cat,cat;house cat")
    classes = {}
    rows: dict[str, int] = {}
    for row, cells in table:
        key, names = cells["key"], _split(cells["names"])
        wikipedia = _split(cells.get("wikipedia", ""))
        superclass = cells.get("superclass", "")
        faults = [
            f"wikipedia is not a web address: {short(address)}"
            for address in wikipedia
            if not re.match(r"https?://\S+$", address) or len(address) > ADDRESS_LENGTH
        ]
        if not key:
            faults.append("key is empty")
        if len(key) > KEY_LENGTH:
            faults.append(f"key is longer than {KEY_LENGTH} characters")
        if key in classes:
            faults.append(f"key {short(key)} is already in row {rows[key]}")
        if not names:
            faults.append(f"names is empty (key {short(key)})")
        if len(superclass) > KEY_LENGTH:
            faults.append(f"superclass is longer than {KEY_LENGTH} characters")
        for fault in faults:
            table.problems.add(row, "", fault)
        rows[key] = row
        definition, translations = cells.get("definition", ""), _translations(cells)
        classes[key] = ClassEntry(key, names, definition, wikipedia, superclass, translations)
    table.refuse_any()
    if not classes:
        raise ImportRefused(f"{path}: has no classes")
    if notes is not None:
        notes += table.notes
    return classes


def read_labels(path: Path, notes: list[str] | None = None) -> dict[str, LabelRow]:
    """Image -> its label and row; adds what was taken for granted to `notes`.

    Columns: image and label, under the names of LABELS; an image is named as the file names it.
    Raises ImportRefused.
    """
    known_tables.refuse_bare_numbers(path)
    table = NamedRows(path, LABELS, (), "img0.jpg,cat")
    labels: dict[str, LabelRow] = {}
    for row, cells in table:
        image, label = cells["image"], cells["label"]
        if table.read_from["label"] == "predictionstring":
            label, fault = known_tables.label_of_boxes(label)
            if fault:
                table.problems.add(row, "", fault)
        if not image:
            table.problems.add(row, "", "image is empty")
        elif label.lower() in ("", "nan"):
            table.problems.add(row, "", f"label is empty (image {short(image)})")
        elif image in labels:
            table.problems.add(
                row, "", f"image {short(image)} is already in row {labels[image].row}"
            )
        else:
            labels[image] = LabelRow(label, row)
    table.refuse_any()
    if not labels:
        raise ImportRefused(f"{path}: has no labels")
    if notes is not None:
        notes += table.notes
    return labels


def _translations(cells: dict[str, str]) -> dict[str, dict[str, Any]]:
    """By language code, the names and the definition that are not empty."""
    translations: dict[str, dict[str, Any]] = {}
    for column, (part, code) in TRANSLATED.items():
        if text := cells.get(column, "").strip():
            value = list(_split(text)) if part == "names" else text
            if value:
                translations.setdefault(code, {})[part] = value
    return translations


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in (p.strip() for p in re.split(r"[;|]", cell)) if part)
