"""What the page's script measured (static/js/worker/measuring.js), as hidden fields send it."""

import json
from collections.abc import Collection
from typing import Any


def measured(text: str, fields: Collection[str], longest: int) -> dict[str, Any] | None:
    """A field's JSON object with exactly these `fields`; `longest`: its characters, at most.

    None without a script, and for anything else: no answer is refused for what a script says.
    """
    if not text or len(text) > longest:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) and given.keys() == set(fields) else None
