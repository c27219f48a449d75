"""Which code computed a result: the version in pyproject.toml, and the commit where git knows."""

import subprocess
from functools import cache

from django.conf import settings


@cache
def code_version() -> str:
    """Such as 0.1.0, or 0.1.0+g1a2b3c4 (-dirty: with changes of its own) in a git checkout.

    Asked once per process: a process runs the code that it was started with.
    """
    describe = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=10"]
    commit = ""
    if (settings.BASE_DIR / ".git").exists():
        try:
            done = subprocess.run(
                describe, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=30
            )
        except (OSError, subprocess.TimeoutExpired):
            return settings.VERSION
        commit = done.stdout.strip()
    return f"{settings.VERSION}+g{commit}" if commit else settings.VERSION
