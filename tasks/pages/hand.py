"""What the page's script measured of the worker's hand."""

import math

from tasks.pages.measured import measured

FIELDS = {"events": 10**9, "choices": 10**6, "pace": 24 * 3600, "spread": 24 * 3600}  # at most
LONGEST = 300  # characters


def read_hand(text: str) -> dict[str, float] | None:
    """Its four numbers; None without a script, or for anything else.

    >>> read_hand('{"events": 3, "choices": 2, "pace": 1.5, "spread": 0}')
    {'events': 3, 'choices': 2, 'pace': 1.5, 'spread': 0}
    """
    if (given := measured(text, FIELDS, LONGEST)) is None:
        return None
    for name, most in FIELDS.items():
        number = given[name]
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        if not math.isfinite(number) or not 0 <= number <= most:
            return None
    return {name: round(given[name], 4) for name in FIELDS}
