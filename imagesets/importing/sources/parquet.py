"""Images in Parquet files of Hugging Face's layout: `image` {bytes, path}, `label`."""

import json
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import Entry
from imagesets.labels.imagenet import ClassEntry, is_wordnet_id

BATCH = 128  # rows whose bytes are in memory at once
BUFFER = 1 << 20  # bytes read at a time: a row group may hold gigabytes


class Layout(NamedTuple):
    """Which columns hold what; all files of a dataset agree on it."""

    image: str
    is_struct: bool  # {bytes, path}, not bytes alone
    has_paths: bool
    label: str  # "" if there is none
    names: tuple[str, ...]  # of the classes, if the label is Hugging Face's ClassLabel


class ParquetSource:
    """The rows of one or more Parquet files, as one dataset.

    An image's key is its `path`, else "row-0000001" by its row over all files, from 1. A label
    column of numbers is read as text; if the file's ClassLabel names its classes, these are the
    source's classes (under their WordNet ids, if the names are such ids). Columns with names
    other than `image` and `label` are found by Hugging Face's features in the schema's metadata.
    """

    remote = False
    in_folders = False

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.layout = _layout(paths[0])
        for path in paths[1:]:
            if _layout(path) != self.layout:
                raise ImportRefused(
                    f"{path}: its columns or the names of its classes differ from {paths[0].name}'s"
                )
        names = self.layout.names
        self.classes: dict[str, ClassEntry] = {}
        self.notes: list[str] = []
        if not all(is_wordnet_id(name) for name in names):
            self.classes = {str(i): ClassEntry(str(i), (name,)) for i, name in enumerate(names)}

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        layout = self.layout
        columns = [f"{layout.image}.path"] if layout.has_paths else []
        columns += [layout.label] if layout.label else []
        row = 0
        for batch in self._batches(columns, 10_000):
            paths = labels = [None] * len(batch)
            if layout.has_paths:
                paths = batch.column(layout.image).field("path").to_pylist()
            if layout.label:
                labels = batch.column(layout.label).to_pylist()
            for path, label in zip(paths, labels, strict=True):
                row += 1
                yield Entry(path or f"row-{row:07}", self._label(label), place=row)

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        layout = self.layout
        wanted = {entry.place: entry for entry in entries}
        row = 0
        for batch in self._batches(
            [f"{layout.image}.bytes" if layout.is_struct else layout.image], BATCH
        ):
            column = batch.column(layout.image)
            content = column.field("bytes") if layout.is_struct else column
            for cell in content:
                row += 1
                if row in wanted:
                    yield wanted[row], self._reader(cell.as_py())

    def _batches(self, columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
        for path in self.paths:
            rows = 0
            try:
                with pq.ParquetFile(path, buffer_size=BUFFER) as file:
                    for batch in file.iter_batches(size, columns=columns):
                        rows += len(batch)
                        yield batch
            except (pa.ArrowException, OSError) as error:
                raise ImportRefused(f"{path}: damaged after row {rows} ({error})") from error

    def _label(self, value: Any) -> str:
        if value is None or value == -1:  # Hugging Face's mark for "no label"
            return ""
        if isinstance(value, float) and value.is_integer():  # pandas makes a column with gaps so
            value = int(value)
        names = self.layout.names
        if isinstance(value, int) and not self.classes and 0 <= value < len(names):
            return names[value]
        return str(value)

    @staticmethod
    def _reader(content: bytes | None) -> Callable[[], bytes]:
        def read() -> bytes:
            if content is None:
                raise OSError("the row holds no bytes")
            return content

        return read


def _layout(path: Path) -> Layout:
    """The layout that a file's schema describes. Raises ImportRefused for other files."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise ImportRefused(f"{path}: cannot be read as Parquet ({error})") from error
    features = _features(schema)
    image = _column(schema, features, ("image",), "Image")
    if not image:
        raise ImportRefused(f"{path}: no column 'image' (columns: {', '.join(schema.names)})")
    label = _column(schema, features, ("label", "wnid", "labels"), "ClassLabel")
    kind = schema.field(image).type
    is_struct = pa.types.is_struct(kind)
    fields = {kind.field(i).name for i in range(kind.num_fields)} if is_struct else set()
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if not binary and "bytes" not in fields:
        raise ImportRefused(f"{path}: column {image!r} holds {kind}, not bytes")
    names = features.get(label, {}).get("names") or ()
    return Layout(image, is_struct, "path" in fields, label, tuple(map(str, names)))


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Hugging Face's description of the columns; empty if the file has none."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: value for name, value in features.items() if isinstance(value, dict)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _column(
    schema: pa.Schema, features: dict[str, dict[str, Any]], usual: tuple[str, ...], kind: str
) -> str:
    """A column by its usual names, else the only one of that kind among the features; or ""."""
    usual_names = [name for name in usual if name in schema.names]
    of_kind = [name for name in schema.names if features.get(name, {}).get("_type") == kind]
    return usual_names[0] if usual_names else of_kind[0] if len(of_kind) == 1 else ""
