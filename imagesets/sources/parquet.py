"""Images in Parquet files of Hugging Face's layout: `image` {bytes, path}, `label`."""

import json
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imagesets.errors import ImportRefused
from imagesets.imagenet import ClassEntry, is_wordnet_id
from imagesets.sources.entries import Entry

BATCH = 128  # rows whose bytes are in memory at once


class ParquetSource:
    """The rows of one or more Parquet files, as one dataset.

    An image's key is its `path`, else "row-0000001" by its row over all files, from 1. A label
    column of numbers is read as text; where the file's ClassLabel names its classes, these are
    the source's classes (by WordNet id where the names are such ids).
    """

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.files = [self._open(path) for path in paths]
        self.label_column = next(
            (
                name
                for name in ("label", "wnid", "labels")
                if name in self.files[0].schema_arrow.names
            ),
            None,
        )
        self.names = self._class_names()
        self.classes: dict[str, ClassEntry] = {}
        if self.names and not all(is_wordnet_id(name) for name in self.names):
            self.classes = {
                str(i): ClassEntry(str(i), (name,)) for i, name in enumerate(self.names)
            }

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        columns = ["image.path"] if self.has_paths else []
        if self.label_column:
            columns.append(self.label_column)
        row = 0
        for file in self.files:
            if not columns:
                for _ in range(file.metadata.num_rows):
                    row += 1
                    yield Entry(f"row-{row:07}", place=row)
                continue
            try:
                for batch in file.iter_batches(batch_size=10_000, columns=columns):
                    for cells in batch.to_pylist():
                        row += 1
                        path = (cells.get("image") or {}).get("path")
                        yield Entry(
                            path or f"row-{row:07}",
                            self._label(cells.get(self.label_column or "")),
                            place=row,
                        )
            except (pa.ArrowException, OSError) as error:
                raise ImportRefused(f"{self.paths[0]}: {error}") from error

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        wanted = {entry.place: entry for entry in entries}
        row = 0
        for path, file in zip(self.paths, self.files, strict=True):
            columns = ["image.bytes"] if self.is_struct else ["image"]
            try:
                for batch in file.iter_batches(batch_size=BATCH, columns=columns):
                    column = batch.column("image")
                    content = column.field("bytes") if self.is_struct else column
                    for i in range(len(batch)):
                        row += 1
                        if row in wanted:
                            yield wanted[row], self._reader(content[i].as_py())
            except (pa.ArrowException, OSError) as error:
                raise ImportRefused(f"{path}: damaged after row {row} ({error})") from error

    def _open(self, path: Path) -> pq.ParquetFile:
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ImportRefused(f"{path}: cannot be read as Parquet ({error})") from error
        schema = file.schema_arrow
        if "image" not in schema.names:
            raise ImportRefused(f"{path}: no column 'image' (columns: {', '.join(schema.names)})")
        kind = schema.field("image").type
        self.is_struct = pa.types.is_struct(kind)
        fields = {kind.field(i).name for i in range(kind.num_fields)} if self.is_struct else set()
        self.has_paths = "path" in fields
        binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        if not binary and "bytes" not in fields:
            raise ImportRefused(f"{path}: column 'image' holds no bytes but {kind}")
        return file

    def _class_names(self) -> list[str]:
        """The ClassLabel names in Hugging Face's metadata of the schema, if there are any."""
        metadata = self.files[0].schema_arrow.metadata or {}
        try:
            features = json.loads(metadata[b"huggingface"])["info"]["features"]
            names = features[self.label_column]["names"]
            return [str(name) for name in names]
        except (KeyError, TypeError, ValueError):
            return []

    def _label(self, value: Any) -> str:
        if value is None or value == -1:  # Hugging Face's mark for "no label"
            return ""
        if isinstance(value, int) and self.names and not self.classes and value < len(self.names):
            return self.names[value]
        return str(value)

    @staticmethod
    def _reader(content: bytes | None) -> Callable[[], bytes]:
        def read() -> bytes:
            if content is None:
                raise OSError("no bytes in the row")
            return content

        return read
