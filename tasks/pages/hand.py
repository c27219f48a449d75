"""What the page's script measured of the worker's hand (static/js/worker/measuring.js)."""

import json
import math

FIELDS = {"events": 10**9, "choices": 10**6, "pace": 24 * 3600, "spread": 24 * 3600}  # at most
LONGEST = 300  # characters


def read_hand(text: str) -> dict[str, float] | None:
    """Its four numbers; None without a script, or for anything else: no answer is refused for it.

    >>> read_hand('{"events": 3, "choices": 2, "pace": 1.5, "spread": 0}')
    {'events': 3, 'choices': 2, 'pace': 1.5, 'spread': 0}
    """
    if not text or len(text) > LONGEST:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict) or given.keys() != FIELDS.keys():
        return None
    for name, most in FIELDS.items():
        number = given[name]
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        if not math.isfinite(number) or not 0 <= number <= most:
            return None
    return {name: round(given[name], 4) for name in FIELDS}
