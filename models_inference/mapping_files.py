"""Reads mapping.csv: what each class of a classifier is called in the dataset."""

import csv
from pathlib import Path

from imagesets.models import Dataset, Label
from models_inference.errors import InferenceError


def read_mapping(dataset: Dataset, file: Path, classes: int | None = None) -> list[str | None]:
    """Each class's label key, in index order, from a table with columns `class,label`.

    `class`: the index, from 0; `label`: a label's key, or empty for a class without one; several
    classes may share a label. Classes that are not in the table have no label. `classes`: how many
    the classifier tells apart (None: up to the highest index in the table).
    Raises InferenceError naming the row and field.
    """
    keys = set(Label.objects.filter(dataset=dataset).values_list("key", flat=True))
    mapping: dict[int, str | None] = {}
    with opened(file) as source:
        reader = csv.DictReader(source)
        for column in ("class", "label"):
            if column not in (reader.fieldnames or []):
                raise InferenceError(f"{file}: column {column} is missing (class,label).")
        for row in reader:
            place = f"{file} row {reader.line_num}"
            text = (row["class"] or "").strip()
            if not text.isdecimal() or (classes is not None and int(text) >= classes):
                known = "" if classes is None else f" from 0 to {classes - 1}"
                raise InferenceError(f"{place}, class: {text!r} is no index of a class{known}.")
            index, key = int(text), (row["label"] or "").strip()
            if index > 1_000_000:
                raise InferenceError(f"{place}, class: {text} is too high for an index.")
            if index in mapping:
                raise InferenceError(f"{place}, class: {index} stands twice.")
            if key and key not in keys:
                raise InferenceError(
                    f"{place}, label: dataset {dataset.slug} has no label {key!r}."
                )
            mapping[index] = key or None
    if not any(mapping.values()):
        raise InferenceError(f"{file}: no class has a label.")
    return [mapping.get(index) for index in range(classes or max(mapping) + 1)]


def opened(file: Path):
    """A table, opened as text. Raises InferenceError where that cannot be."""
    try:
        file.open("rb").close()
        text = file.open(newline="", encoding="utf-8-sig")
        text.read(4096)
        text.seek(0)
    except UnicodeDecodeError:
        raise InferenceError(f"{file} is not text in UTF-8.") from None
    except OSError as error:
        raise InferenceError(f"{file} cannot be read: {error.strerror or error}.") from None
    return text
