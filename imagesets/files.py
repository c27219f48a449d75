"""Writes files whole or not at all, and keeps copies of images by their content."""

import os
import tempfile
from pathlib import Path

from django.conf import settings

from imagesets.locations import write_s3


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing, for the site to write in."""
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in new:
        hand_over(folder)


def hand_over(path: Path) -> None:
    """Give what root's commands made below DATA_DIR to whoever owns its first folder.

    That is the account of web and workers, which root's are not (annotation.serving.dropped).
    """
    if os.getuid() != 0 or settings.DATA_DIR not in path.parents:
        return
    first = settings.DATA_DIR / path.relative_to(settings.DATA_DIR).parts[0]
    status = first.stat()
    if status.st_uid:
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace a file so that readers see either all of it or the one before."""
    make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def keep_copy(content: bytes, sha256: str) -> str:
    """Keep a copy, named by its content so that the same bytes are kept once; return its location.

    In the bucket AWS_STORAGE_BUCKET_NAME if one is set, so that every machine of a study reads the
    same copies; else below DATA_DIR, which may be moved: the location is relative to it.
    Raises OSError if it cannot be written.
    """
    name = _name_of_copy(sha256)
    if settings.AWS_STORAGE_BUCKET_NAME:
        return write_s3(settings.AWS_STORAGE_BUCKET_NAME, name, content)
    path = settings.DATA_DIR / name
    if not path.exists():
        write_whole(path, content)
    return name


def is_copy(location: str, sha256: str) -> bool:
    """Whether a location is that of a copy of these bytes, in any bucket."""
    name = _name_of_copy(sha256)
    return location == name or (location.startswith("s3://") and location.endswith(f"/{name}"))


def is_gone(location: str) -> bool:
    """Whether the file at a location no longer exists; does not ask S3."""
    return not location.startswith("s3://") and not (settings.DATA_DIR / location).exists()


def _name_of_copy(sha256: str) -> str:
    return f"images/{sha256[:2]}/{sha256}"
