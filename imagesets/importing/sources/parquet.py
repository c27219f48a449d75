"""Images in Parquet files of Hugging Face's layout: `image` {bytes, path}, `label`."""

import math
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import Entry
from imagesets.importing.sources.parquet_layout import (
    holds_paths_alone,
    layout_of,
    paths_alone,
    split_of,
)
from imagesets.labels.imagenet import ClassEntry, is_wordnet_id
from imagesets.tables.named_rows import columns_passed_over

BATCH = 128  # rows whose bytes are in memory at once
BUFFER = 1 << 20  # bytes read at a time: a row group may hold gigabytes


class ParquetSource:
    """The rows of one or more Parquet files, as one dataset.

    An image's key is its `path`, else "row-0000001" by its row over all files, from 1. Where paths
    repeat, each key is SPLIT/ROW-path, such as "train/0000001-1.jpg", by the row within the split;
    `notes` says so. A label column of numbers is read as text; if the file's ClassLabel names its
    classes, these are the source's classes (under their WordNet ids, if the names are such ids).
    `columns`: `image` or `label` -> the column that somebody named for it.
    """

    remote = False
    in_folders = False

    def __init__(self, paths: list[Path], columns: Mapping[str, str] | None = None) -> None:
        self.paths = paths
        self.layout, others = layout_of(paths[0], columns or {})
        for path in paths[1:]:
            if layout_of(path, columns or {})[0] != self.layout:
                raise ImportRefused(
                    f"{path}: its columns or the names of its classes differ from {paths[0].name}'s"
                )
        if holds_paths_alone(paths, self.layout):
            raise paths_alone(paths[0], self.layout.image)
        names = self.layout.names
        self.classes: dict[str, ClassEntry] = {}
        self.notes: list[str] = []
        if others:
            label = f"{self.layout.label!r}" if self.layout.label else "no column"
            self.notes.append(
                f"{columns_passed_over(others)} (pictures are in"
                f" {self.layout.image!r}, labels in {label}; --column label=NAME names another)"
            )
        if not all(is_wordnet_id(name) for name in names):
            self.classes = {str(i): ClassEntry(str(i), (name,)) for i, name in enumerate(names)}

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        layout = self.layout
        columns = [f"{layout.image}.path"] if layout.has_paths else []
        columns += [layout.label] if layout.label else []
        repeats = self._paths_repeat()
        rows_of_split: Counter[str] = Counter()
        row = 0
        for file, batch in self._batches(columns, 10_000):
            split = split_of(file)
            labels = batch.column(layout.label).to_pylist() if layout.label else [None] * len(batch)
            for path, label in zip(self._paths(batch), labels, strict=True):
                row += 1
                rows_of_split[split] += 1
                key = path or f"row-{row:07}"
                if repeats:
                    key = f"{split}/{rows_of_split[split]:07}{'-' * bool(path)}{path or ''}"
                yield Entry(key, self._label(label), place=row)

    def _paths_repeat(self) -> bool:
        """Whether two rows have the same path; notes it."""
        paths: Counter[str] = Counter()
        if self.layout.has_paths:
            for _, batch in self._batches([f"{self.layout.image}.path"], 10_000):
                paths.update(filter(None, self._paths(batch)))
        repeated = [path for path, count in paths.items() if count > 1]
        if repeated:
            self.notes.append(
                f"{sum(paths[path] for path in repeated):,} rows share their path with another"
                f" ({repeated[0]!r} is in {paths[repeated[0]]:,}), so an image's key is its split,"
                " its row in it and its path, such as"
                f" {split_of(self.paths[0])}/0000001-{next(iter(paths))}"
            )
        return bool(repeated)

    def _paths(self, batch: pa.RecordBatch) -> list[str | None]:
        if not self.layout.has_paths:
            return [None] * len(batch)
        return batch.column(self.layout.image).field("path").to_pylist()

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        layout = self.layout
        wanted = {entry.place: entry for entry in entries}
        row = 0
        for _, batch in self._batches(
            [f"{layout.image}.bytes" if layout.is_struct else layout.image], BATCH
        ):
            column = batch.column(layout.image)
            content = column.field("bytes") if layout.is_struct else column
            for cell in content:
                row += 1
                if row in wanted:
                    yield wanted[row], self._reader(cell.as_py())

    def _batches(self, columns: list[str], size: int) -> Iterator[tuple[Path, pa.RecordBatch]]:
        for path in self.paths:
            rows = 0
            try:
                with pq.ParquetFile(path, buffer_size=BUFFER) as file:
                    for batch in file.iter_batches(size, columns=columns):
                        rows += len(batch)
                        yield path, batch
            except (pa.ArrowException, OSError) as error:
                raise ImportRefused(f"{path}: damaged after row {rows} ({error})") from error

    def _label(self, value: Any) -> str:
        if value is None or value == -1:  # Hugging Face's mark for "no label"
            return ""
        if isinstance(value, float) and math.isnan(value):
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
                raise OSError("its row holds no picture")
            return content

        return read
