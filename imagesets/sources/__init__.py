"""Places that images come from, behind one interface: list what is there, then read it.

A folder or ImageFolder tree, a zip, Parquet in Hugging Face's layout, S3. A source knows nothing
of the database; importing.py knows nothing of the formats.
"""

import os
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.sources.entries import Entry, Source

__all__ = ["Entry", "Source", "open_source"]


def open_source(where: str | os.PathLike) -> Source:
    """The source at a place. Raises ImportRefused where there is none that can be read."""
    where = os.fspath(where)
    if where.startswith("s3://"):
        from imagesets.sources.s3 import S3Source

        return S3Source(where)
    path = Path(where).expanduser()
    if not path.exists():
        raise ImportRefused(f"{where}: no such file or folder")
    if path.is_dir():
        # As Hugging Face's repositories have them: here or in a folder `data`.
        shards = sorted(path.glob("*.parquet")) or sorted(path.glob("data/*.parquet"))
        if shards:
            from imagesets.sources.parquet import ParquetSource

            return ParquetSource(shards)
        from imagesets.sources.folder import FolderSource

        return FolderSource(path.resolve())
    if path.suffix.lower() == ".parquet":
        from imagesets.sources.parquet import ParquetSource

        return ParquetSource([path])
    from imagesets.sources.archive import ZipSource, is_zip

    if is_zip(path):
        return ZipSource(path)
    raise ImportRefused(f"{where}: neither a folder nor a zip nor a Parquet file")
