"""Matches names that look the same but are composed differently in Unicode: é, or e and ´."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection


def forms(name: str) -> set[str]:
    """A name as it stands, composed (NFC) and decomposed (NFD, as Macs write it)."""
    if name.isascii():
        return {name}
    return {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}


def composition_matches(wanted: Collection[str], existing: Collection[str]) -> dict[str, str]:
    """Wanted name -> the existing one that differs from it by composition alone.

    Only for names that do not exist as they stand, and only where the match is one to one; an
    existing name that is itself wanted matches no other. Pass sets or dicts: both are looked up in.
    """
    missing = [name for name in wanted if not name.isascii() and name not in existing]
    if not missing:
        return {}
    existing_by_form = defaultdict(list)
    for name in existing:
        if not name.isascii() and name not in wanted:
            existing_by_form[unicodedata.normalize("NFC", name)].append(name)
    composed = {name: unicodedata.normalize("NFC", name) for name in missing}
    times_wanted = Counter(composed.values())
    return {
        name: existing_by_form[form][0]
        for name, form in composed.items()
        if times_wanted[form] == 1 and len(existing_by_form[form]) == 1
    }
