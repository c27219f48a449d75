"""Sources of images behind one interface: list the entries, then read them.

A folder or ImageFolder tree, a zip, Parquet in Hugging Face's layout, S3. A source knows nothing
of the database; import_dataset.py knows nothing of the formats.
"""

import os
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import Entry, Source
from imagesets.locations import is_address

__all__ = ["Entry", "Source", "open_source"]


def open_source(where: str | os.PathLike) -> Source:
    """The source at a path or address. Raises ImportRefused if there is none that can be read."""
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
    if path.is_dir():
        # Hugging Face's repositories keep shards at the root or in a folder `data`.
        shards = sorted(path.glob("*.parquet")) or sorted(path.glob("data/*.parquet"))
        if shards:
            from imagesets.importing.sources.parquet import ParquetSource

            return ParquetSource(shards)
        from imagesets.importing.sources.folder import FolderSource

        return FolderSource(path.resolve())
    if path.suffix.lower() == ".parquet":
        from imagesets.importing.sources.parquet import ParquetSource

        return ParquetSource([path])
    from imagesets.importing.sources.archive import ZipSource, is_zip

    if is_zip(path):
        return ZipSource(path)
    raise ImportRefused(f"{where}: neither a folder nor a zip nor a Parquet file")
