"""Reads mapping.csv: which label each class of a classifier has in the dataset."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.models import Dataset, Label
from imagesets.tables.named_rows import NamedRows
from imagesets.tables.values import is_missing, whole_number
from models_inference.errors import InferenceError, short

MOST = 1_000_001  # classes of a classifier


def read_mapping(dataset: Dataset, file: Path, classes: int | None = None) -> list[str | None]:
    """Each class's label key, in index order, from a table with columns `class,label`.

    `class`: the index, from 0; `label`: a label's key, or empty for a class without one; several
    classes may share a label. Classes that are not in the table have no label. `classes`: how many
    the classifier has (None: up to the highest index in the table).
    Raises InferenceError naming the rows and field.
    """
    keys = set(Label.objects.filter(dataset=dataset).values_list("key", flat=True))
    mapping: dict[int, str | None] = {}
    table = NamedRows(file, {"class": ("class",), "label": ("label",)}, (), "0,cat")
    with refused():
        for row, cells in table:
            key = cells["label"]
            key = "" if key not in keys and is_missing(key) else key
            index = whole_number(cells["class"])
            if index is None or not 0 <= index < (classes or MOST):
                table.problems.add(
                    row,
                    "class",
                    f"{short(cells['class'])} is not an index of a class, from 0 to"
                    f" {(classes or MOST) - 1}",
                )
            elif index in mapping:
                table.problems.add(row, "class", f"{index} comes twice")
            elif key and key not in keys:
                message = f"dataset {dataset.slug} has no label {short(key)}"
                table.problems.add(row, "label", message)
            else:
                mapping[index] = key or None
        table.refuse_any()
    if not any(mapping.values()):
        raise InferenceError(f"{file}: no class has a label.")
    return [mapping.get(index) for index in range(classes or max(mapping) + 1)]


@contextmanager
def refused() -> Iterator[None]:
    """Raise the errors of a table as InferenceError."""
    try:
        yield
    except ImportRefused as error:
        raise InferenceError(f"{error}.") from None
