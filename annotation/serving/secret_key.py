"""The secret key of a DATA_DIR, for a site to which none is given: random, kept, and its own."""

import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from annotation.serving.embedded.ownership import KEY
from annotation.serving.production import PUBLISHED_SECRET


def kept_keys(data_dir: Path) -> list[str]:
    """The key of this DATA_DIR, made now if it has none, and the ones used before it.

    A DATA_DIR that is older than its key was used under the published one: that stands on a
    second line. What follows from it is decided where it is used; nothing else is signed with it,
    or believed. Raises ImproperlyConfigured where it can be neither read nor made, or is
    empty.
    """
    file = data_dir / KEY
    try:
        if not file.exists():
            _make(file)
        keys = file.read_text().split()
    except OSError as error:
        raise ImproperlyConfigured(
            f"the secret key of DATA_DIR {data_dir} cannot be used ({error.strerror}): set"
            " SECRET_KEY, or another DATA_DIR"
        ) from None
    if not keys:
        raise ImproperlyConfigured(
            f"the secret key in {file} is empty: bring the file back from a backup, or delete it"
            " for a new key, which makes new people of the site's workers"
        )
    return keys


def _make(file: Path) -> None:
    """Write a new key, whole and at once; of several that try, the first one's stays."""
    is_old = file.parent.exists() and any(
        not path.name.startswith(f".{KEY}") for path in file.parent.iterdir()
    )
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, part = tempfile.mkstemp(prefix=f".{KEY}", dir=file.parent)  # 0600
    try:
        with os.fdopen(handle, "w") as lines:
            lines.write(f"{secrets.token_urlsafe(48)}\n")
            if is_old:
                lines.write(f"{PUBLISHED_SECRET}\n")
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(part)
