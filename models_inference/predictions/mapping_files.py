"""Reads mapping.csv: what each class of a classifier is called in the dataset."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagesets.models import Dataset, Label
from models_inference.errors import InferenceError, short

MOST = 1_000_001  # classes of a classifier


def read_mapping(dataset: Dataset, file: Path, classes: int | None = None) -> list[str | None]:
    """Each class's label key, in index order, from a table with columns `class,label`.

    `class`: the index, from 0; `label`: a label's key, or empty for a class without one; several
    classes may share a label. Classes that are not in the table have no label. `classes`: how many
    the classifier tells apart (None: up to the highest index in the table).
    Raises InferenceError naming the row and field.
    """
    keys = set(Label.objects.filter(dataset=dataset).values_list("key", flat=True))
    mapping: dict[int, str | None] = {}
    for line, row in rows_of(file, ("class", "label")):
        place = f"{file} row {line}"
        text, key = (row["class"] or "").strip(), (row["label"] or "").strip()
        index = int(text) if text.isdecimal() and len(text) < 10 else MOST
        if index >= (classes or MOST):
            raise InferenceError(
                f"{place}, class: {short(text)} is no index of a class from 0 to "
                f"{(classes or MOST) - 1}."
            )
        if index in mapping:
            raise InferenceError(f"{place}, class: {index} stands twice.")
        if key and key not in keys:
            raise InferenceError(
                f"{place}, label: dataset {dataset.slug} has no label {short(key)}."
            )
        mapping[index] = key or None
    if not any(mapping.values()):
        raise InferenceError(f"{file}: no class has a label.")
    return [mapping.get(index) for index in range(classes or max(mapping) + 1)]


def rows_of(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The rows of a table, each after the number of its line; blank lines are none.

    Raises InferenceError: no such file, not text in UTF-8, no table, a column that is missing.
    """
    row = 0
    try:
        with file.open(newline="", encoding="utf-8-sig") as source:
            reader = csv.DictReader(source)
            row = 1
            for column in columns:
                if column not in (reader.fieldnames or []):
                    raise InferenceError(
                        f"{file}: column {column} is missing ({','.join(columns)})."
                    )
            for cells in reader:
                row = reader.line_num
                yield row, cells
    except OSError as error:
        raise InferenceError(f"{file} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InferenceError(f"{file} is not text in UTF-8 (after row {row}).") from None
    except csv.Error as error:
        raise InferenceError(f"{file} row {reader.reader.line_num}: {error}.") from None
