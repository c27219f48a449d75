"""Names that differ by plural, capitals, spaces, punctuation or width only; pure functions."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, product

CONTAINED = 8  # words of a name that are looked for in another
READINGS = 64  # of a name, by the singulars that its words may have

# Endings of plurals and of their singulars; of "axes" three may be meant.
PLURALS = tuple(
    (re.compile(f"{plural}$"), singular)
    for plural, singular in (
        (r"(?<=[^\W\d_]{2}[^\W\d_s])s", ""),
        (r"(?<=[aeiou]s)es", ""),
        (r"(?<=ss|ch|sh)es", ""),
        (r"(?<=[xzo])es", ""),
        (r"(?<=[^\Waeiou])ies", "y"),
        (r"(?<=[sx])es", "is"),
        (r"(cal|el|hal|hoo|lea|loa|scar|shea|thie|whar|dwar|wol)ves", r"\1f"),
        (r"(kni|li|wi)ves", r"\1fe"),
        ("lenses", "lens"),
        ("zzes", "z"),
        ("(?<!dol)men", "man"),
        ("children", "child"),
        ("people", "person"),
        ("feet", "foot"),
        ("teeth", "tooth"),
        ("geese", "goose"),
        ("(?<=[ml])ice", "ouse"),
        ("oxen", "ox"),
        (r"(?<=\w{3})ae", "a"),
        (r"(cact|fung|octop|hippopotam|nucle|stimul|alumn|gladiol|narciss)i", r"\1us"),
    )
)
OF_A_NUMBER = re.compile(r"(?<![^\W\d_])[-.,:/](?=\d)")  # 1.5, 1-5 and -5 are not 15 or 5
JOINT = re.compile(r"(?!(?<=\d) \d|(?<=\w\w) [a-z]$) ")  # of two words
MEANT = "#%&*@"  # C# is not C
AS_TYPED: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    **dict.fromkeys(map(ord, "'`\u2019\u02bc\ufe0e\ufe0f")),  # and how an emoji is drawn
}


class AlikeNames:
    """Groups of alike names: those that share a reading, in steps of one name to another."""

    def __init__(self, names: Iterable[str]) -> None:
        self.words = {name: _words(name) for name in names}
        self.first: dict[str, str] = {}  # of a name's readings
        self.parent: dict[str, str] = {}
        for name, words in self.words.items():
            self.first[name], *others = _readings(words)
            for other in others:
                self.parent[self._root(other)] = self._root(self.first[name])

    def _root(self, reading: str) -> str:
        parent = self.parent
        while parent.setdefault(reading, reading) != reading:
            reading = parent[reading] = parent[parent[reading]]
        return reading

    def group(self, name: str) -> str:
        """The group of one of the names."""
        return self._root(self.first[name])

    def inside(self, name: str) -> list[str]:
        """The groups with a name that is some of this name's words, not all."""
        words = self.words[name]
        parts = (
            words[start:end]
            for start in range(len(words))
            for end in range(start + 1, min(start + CONTAINED, len(words)) + 1)
        )
        return [
            self._root(reading)
            for part in parts
            if len(part) < len(words)
            for reading in _readings(part)
            if reading in self.parent
        ]


def _words(name: str) -> list[str]:
    """A name's words in small letters, without punctuation; of nothing else, as it stands."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = whole.translate(AS_TYPED)
    of_numbers = {found.start() for found in OF_A_NUMBER.finditer(text)}

    def kept(found: re.Match) -> str:
        mark, category = found[0], unicodedata.category(found[0])
        if category == "Cf":  # invisible
            return ""
        return mark if category[0] in "MS" or mark in MEANT or found.start() in of_numbers else " "

    return re.sub(r"[^\w\s]|_", kept, text).split() or [whole]


def _readings(words: Sequence[str]) -> list[str]:
    """The words written as one, as they stand first, then with each singular they may have.

    A space stays between digits ("1 5") and before a last letter ("Model S" are no models).
    """
    readings = islice(product(*map(_singulars, words)), READINGS)
    return [JOINT.sub("", " ".join(reading)) for reading in readings]


@lru_cache(maxsize=10_000)
def _singulars(word: str) -> tuple[str, ...]:
    """A word, and what it may be the plural of."""
    return word, *(end.sub(singular, word) for end, singular in PLURALS if end.search(word))
