"""Sources of images behind one interface: list the entries, then read them.

A folder or ImageFolder tree, a zip, Parquet in Hugging Face's layout, S3. A source knows nothing
of the database; import_dataset.py knows nothing of the formats.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import (
    SPLIT,
    Entry,
    Source,
    is_hidden,
    is_picture_name,
)
from imagesets.locations import is_address

__all__ = ["Entry", "Source", "open_source"]


def open_source(where: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Source:
    """The source at a path or address. Raises ImportRefused if there is none that can be read.

    `columns`: `image` or `label` -> the column of a Parquet file that somebody named for it.
    """
    where = os.fspath(where)
    if not where.strip():  # a path of nothing means the working directory
        raise ImportRefused("where the images are is empty: name a folder, a file or s3://...")
    if where.lower().startswith("s3://"):
        from imagesets.importing.sources.s3 import S3Source

        return S3Source(f"s3://{where[5:]}")
    if is_address(where):
        raise ImportRefused(
            f"{where}: the site reads images from disks and s3:// alone: download it first, then"
            " name the folder, zip or Parquet file"
        )
    path = Path(where).expanduser()
    if not path.exists():
        raise ImportRefused(f"{where}: no such file or folder")
    shards = [path] if path.suffix.lower() == ".parquet" and path.is_file() else shards_in(path)
    if shards:
        from imagesets.importing.sources.parquet import ParquetSource

        return ParquetSource(shards, columns)
    if columns:
        raise ImportRefused(f"{where}: columns can be named for Parquet files alone")
    if path.is_dir():
        from imagesets.importing.sources.folder import FolderSource

        return FolderSource(path.resolve())
    from imagesets.importing.sources.archive import ZipSource, is_zip

    if is_zip(path):
        return ZipSource(path)
    raise ImportRefused(f"{where}: neither a folder nor a zip nor a Parquet file")


def shards_in(folder: Path) -> list[Path]:
    """The Parquet files of a folder in Hugging Face's layout, by name; [] for other folders.

    Shards lie at the root, in `data`, or in folders of splits. A folder that has shards only deeper
    and pictures too is one of pictures. Raises ImportRefused for several configurations of a
    dataset, each with folders of splits.
    """
    usual = [*folder.glob("*.parquet"), *folder.glob("data/*.parquet")]
    shards = []
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        shards += [Path(above, name) for name in names if name.endswith(".parquet")]
        if not usual and any(is_picture_name(name, ()) for name in names):
            return []
    configurations = {shard.parents[1] for shard in shards if SPLIT.fullmatch(shard.parent.name)}
    if len(configurations) > 1:
        listed = ", ".join(sorted(path.name for path in configurations))
        raise ImportRefused(f"{folder}: several datasets in it ({listed}): name the folder of one")
    return sorted(shards)
