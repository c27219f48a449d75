"""Writes files whole or not at all, and keeps copies of images by their content."""

import os
import tempfile
from pathlib import Path

from django.conf import settings


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none; replaces what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def keep_copy(content: bytes, sha256: str) -> Path:
    """The path of a copy below DATA_DIR/images, named by content: the same bytes, one file."""
    path = settings.DATA_DIR / "images" / sha256[:2] / sha256
    if not path.exists():
        write_whole(path, content)
    return path
