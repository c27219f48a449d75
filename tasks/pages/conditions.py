"""Under which conditions a HIT was answered: form, language, device, zooms and changes.

They are stored with the answer, so that a study can ask whether they change the answers. What the
page's script counted is believed whole or not at all, and no answer is refused for it.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import get_language

from tasks.pages.measured import measured
from tasks.pages.sheets import Sheet

DEVICES = ("touch", "mouse")
VIEWPORT = re.compile(r"[1-9][0-9]{0,4}x[1-9][0-9]{0,4}", re.ASCII)
FIELDS = ("device", "viewport", "zooms", "changes")
MOST = 10_000  # zooms, or changes, of one item
LONGEST = 20_000  # characters


def read_conditions(text: str, sheet: Sheet) -> dict[str, Any]:
    """An assignment's columns: those that the site knows, and the script's if they make sense.

    `text`: {"device", "viewport", "zooms": {item id: times}, "changes": {item id: times}} as JSON.
    """
    cards = {tile.item.section for s in sheet.sections if s.is_card for tile in s.tiles}
    known = {"language": get_language(), "cards": sorted(cards)}
    return known | (_counted(text, [shown.id for shown in sheet.tiles or sheet.pictures]) or {})


def _counted(text: str, ids: Sequence[str]) -> dict[str, Any] | None:
    """What the script said; None without a script, or if anything in it is malformed.

    >>> text = '{"device": "mouse", "viewport": "800x600", "zooms": {}, "changes": {"b": 2}}'
    >>> _counted(text, ["a", "b", "c"])
    {'device': 'mouse', 'viewport': '800x600', 'zooms': [], 'changes': [0, 2]}
    """
    if (given := measured(text, FIELDS, LONGEST)) is None:
        return None
    device, viewport = given["device"], given["viewport"]
    if device not in DEVICES or not isinstance(viewport, str) or not VIEWPORT.fullmatch(viewport):
        return None
    zooms, changes = _in_order(given["zooms"], ids), _in_order(given["changes"], ids)
    if zooms is None or changes is None:
        return None
    return {"device": device, "viewport": viewport, "zooms": zooms, "changes": changes}


def _in_order(counts: Any, ids: Sequence[str]) -> list[int] | None:
    """Counts by item as a list in the order shown, without the zeros at its end; None: malformed.

    Most items are never zoomed or changed, so most lists are short.
    """
    if not isinstance(counts, dict) or not counts.keys() <= set(ids):
        return None
    if not all(type(count) is int and 0 <= count <= MOST for count in counts.values()):
        return None
    numbers = [counts.get(item, 0) for item in ids]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
