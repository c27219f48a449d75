"""Reads mapping.csv: which label each class of a classifier has in the dataset."""

from collections.abc import Iterator
from pathlib import Path

from imagesets import tables
from imagesets.errors import ImportRefused
from imagesets.models import Dataset, Label
from models_inference.errors import InferenceError, short

MOST = 1_000_001  # classes of a classifier


def read_mapping(dataset: Dataset, file: Path, classes: int | None = None) -> list[str | None]:
    """Each class's label key, in index order, from a table with columns `class,label`.

    `class`: the index, from 0; `label`: a label's key, or empty for a class without one; several
    classes may share a label. Classes that are not in the table have no label. `classes`: how many
    the classifier has (None: up to the highest index in the table).
    Raises InferenceError naming the row and field.
    """
    keys = set(Label.objects.filter(dataset=dataset).values_list("key", flat=True))
    mapping: dict[int, str | None] = {}
    for row, cells in rows_of(file, ("class", "label")):
        place = f"{file}, row {row}"
        text, key = cells["class"].strip(), cells["label"].strip()
        index = int(text) if text.isdecimal() and len(text) < 10 else MOST
        if index >= (classes or MOST):
            raise InferenceError(
                f"{place}, class: {short(text)} is not an index of a class, from 0 to "
                f"{(classes or MOST) - 1}."
            )
        if index in mapping:
            raise InferenceError(f"{place}, class: {index} comes twice.")
        if key and key not in keys:
            raise InferenceError(
                f"{place}, label: dataset {dataset.slug} has no label {short(key)}."
            )
        mapping[index] = key or None
    if not any(mapping.values()):
        raise InferenceError(f"{file}: no class has a label.")
    return [mapping.get(index) for index in range(classes or max(mapping) + 1)]


def rows_of(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """As tables.rows_of, with cells exactly as they stand. Raises InferenceError."""
    try:
        yield from tables.rows_of(file, columns, strip=False)
    except ImportRefused as error:
        raise InferenceError(f"{error}.") from None
