"""Names that people see as one, though composed of other characters: é as one, or as e and ´."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection


def forms(name: str) -> set[str]:
    """A name as it stands, composed (NFC) and decomposed (NFD, as Macs write)."""
    if name.isascii():
        return {name}
    return {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}


def meant(wanted: Collection[str], there: Collection[str]) -> dict[str, str]:
    """Of the `wanted` names that are not `there`: the one there that differs by composition alone.

    Only where that is one to one; a name that is wanted as it stands is meant by no other. Both
    are looked up in, so they should be sets or dicts.
    """
    missing = [name for name in wanted if not name.isascii() and name not in there]
    if not missing:
        return {}
    by_form = defaultdict(list)
    for name in there:
        if not name.isascii() and name not in wanted:
            by_form[unicodedata.normalize("NFC", name)].append(name)
    composed = {name: unicodedata.normalize("NFC", name) for name in missing}
    asked = Counter(composed.values())
    return {
        name: by_form[form][0]
        for name, form in composed.items()
        if asked[form] == 1 and len(by_form[form]) == 1
    }
