"""Which columns of Parquet files hold the pictures and their labels; which split a file is of."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import SPLIT

LABEL_NAMES = ("label", "wnid", "labels")
SHARD = re.compile(r"(.+)-\d+-of-\d+(-[0-9a-f]+)?")  # as Hugging Face's push_to_hub names files


class Layout(NamedTuple):
    """Which columns hold what; all files of a dataset agree on it."""

    image: str
    is_struct: bool  # {bytes, path}, not bytes alone
    has_paths: bool
    label: str  # "" if there is none
    names: tuple[str, ...]  # of the classes, if the label is Hugging Face's ClassLabel


def layout_of(path: Path, chosen: Mapping[str, str]) -> tuple[Layout, list[str]]:
    """The layout that a file's schema describes, and the names of the columns passed over.

    `chosen`: `image` or `label` -> the column that somebody named; "": none. Else a column is known
    by its usual name, by Hugging Face's features in the schema's metadata, or by its type. Raises
    ImportRefused for files without pictures, and where two columns may be meant.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise ImportRefused(f"{path}: cannot be read as Parquet ({error})") from error
    for name in chosen.values():
        if name and name not in schema.names:
            raise ImportRefused(f"{path}: no column {name!r} (columns: {_listed(schema)})")
    features = _features(schema)
    image = chosen.get("image") or _image_column(path, schema, features)
    label = chosen["label"] if "label" in chosen else _label_column(path, schema, features)
    _check_label(path, schema, label)
    is_struct, fields = _check_image(path, image, schema.field(image).type)
    names = features.get(label, {}).get("names") or ()
    layout = Layout(image, is_struct, "path" in fields, label, tuple(map(str, names)))
    return layout, [name for name in schema.names if name not in (image, label)]


def split_of(path: Path) -> str:
    """The split of a file: by its name (train-00000-of-00002), its folder (train/0000), else both.

    Files of one split have one name; others differ where their names or folders do.
    """
    if match := SHARD.fullmatch(path.stem):
        return match[1]
    folder = path.absolute().parent.name
    if SPLIT.fullmatch(folder) or path.stem.isdecimal():
        return folder
    return path.stem


def holds_paths_alone(paths: list[Path], layout: Layout) -> bool:
    """Whether no row of the files has bytes, by their statistics (False where there are none)."""
    column = f"{layout.image}.bytes" if layout.is_struct else layout.image
    nulls = rows = 0
    for path in paths:
        metadata = pq.read_metadata(path)
        rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            chunks = metadata.row_group(group)
            for chunk in map(chunks.column, range(chunks.num_columns)):
                if chunk.path_in_schema == column and chunk.statistics:
                    nulls += chunk.statistics.null_count or 0
    return rows > 0 and nulls == rows


def paths_alone(where: object, column: str) -> ImportRefused:
    """The error for files that name pictures and do not hold them."""
    return ImportRefused(
        f"{where}: column {column!r} holds paths, not pictures. Import the folder that the paths"
        " lead to (--images FOLDER), with the labels as --labels CSV (columns image,label); or"
        " write the files again with the pictures in them (datasets: Dataset.push_to_hub does)"
    )


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Hugging Face's description of the columns; empty if the file has none."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: value for name, value in features.items() if isinstance(value, dict)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _image_column(path: Path, schema: pa.Schema, features: dict[str, dict[str, Any]]) -> str:
    if "image" in schema.names:
        return "image"
    columns = _of_kind(schema, features, "Image") or [
        field.name for field in schema if _is_binary(field.type) or _has_bytes(field.type)
    ]
    if not columns:
        raise ImportRefused(
            f"{path}: no column 'image' (columns: {_listed(schema)}); --column image=NAME names one"
        )
    return _only(path, "pictures", "image", columns)


def _label_column(path: Path, schema: pa.Schema, features: dict[str, dict[str, Any]]) -> str:
    columns = [name for name in LABEL_NAMES if name in schema.names]
    columns = columns or _of_kind(schema, features, "ClassLabel")
    return _only(path, "labels", "label", columns) if columns else ""


def _of_kind(schema: pa.Schema, features: dict[str, dict[str, Any]], kind: str) -> list[str]:
    return [name for name in schema.names if features.get(name, {}).get("_type") == kind]


def _only(path: Path, what: str, field: str, columns: list[str]) -> str:
    if len(columns) > 1:
        raise ImportRefused(
            f"{path}: {len(columns)} columns may hold the {what} ({', '.join(columns)}): say which"
            f" one does by --column {field}={columns[0]}"
        )
    return columns[0]


def _check_label(path: Path, schema: pa.Schema, label: str) -> None:
    if not label:
        return
    kind = schema.field(label).type
    if pa.types.is_nested(kind) or _is_binary(kind):
        raise ImportRefused(
            f"{path}: column {label!r} holds {kind}, not one label for each image: name another by"
            " --column label=NAME, or none by --column label="
        )


def _check_image(path: Path, image: str, kind: pa.DataType) -> tuple[bool, set[str]]:
    """Whether the column is a struct, and of which fields. Raises ImportRefused."""
    if _is_binary(kind):
        return False, set()
    if _has_bytes(kind):
        return True, {kind.field(at).name for at in range(kind.num_fields)}
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_struct(kind):
        raise paths_alone(path, image)
    raise ImportRefused(f"{path}: column {image!r} holds {kind}, not the bytes of picture files")


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _has_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0


def _listed(schema: pa.Schema) -> str:
    return ", ".join(schema.names)
