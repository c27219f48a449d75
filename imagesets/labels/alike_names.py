"""Groups names that differ only by plural, case, spaces, punctuation or width; no Django."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, product

CONTAINED = 8  # the most words of a name that are searched for in another
READINGS = 64  # the most readings of a name, by the singulars that its words may have

# Endings of plurals and of their singulars; "axes" may have three.
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
JOINT = re.compile(r"(?!(?<=\d) \d|(?<=\w\w) [a-z]$) ")  # a space that may be left out
MEANINGFUL = "#%&*@"  # C# is not C
AS_TYPED: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    **dict.fromkeys(map(ord, "'`\u2019\u02bc\ufe0e\ufe0f")),  # and how an emoji is drawn
}


class AlikeNames:
    """Groups of names linked by shared readings, directly or through other names."""

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
        """The group that a name is in."""
        return self._root(self.first[name])

    def inside(self, name: str) -> list[str]:
        """The groups with a name made of some, but not all, of this name's words."""
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
    """A name's words in lower case, without punctuation; a name of punctuation alone unchanged."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = whole.translate(AS_TYPED)
    in_numbers = {match.start() for match in OF_A_NUMBER.finditer(text)}

    def kept(match: re.Match) -> str:
        mark, category = match[0], unicodedata.category(match[0])
        if category == "Cf":  # invisible
            return ""
        meaningful = category[0] in "MS" or mark in MEANINGFUL or match.start() in in_numbers
        return mark if meaningful else " "

    return re.sub(r"[^\w\s]|_", kept, text).split() or [whole]


def _readings(words: Sequence[str]) -> list[str]:
    """The words joined into one: first as they stand, then with each singular they may have.

    A space stays between digits ("1 5") and before a last letter ("Model S" is not "models").
    """
    readings = islice(product(*map(_singulars, words)), READINGS)
    return [JOINT.sub("", " ".join(reading)) for reading in readings]


@lru_cache(maxsize=10_000)
def _singulars(word: str) -> tuple[str, ...]:
    """A word, and the words that it may be the plural of."""
    return word, *(end.sub(singular, word) for end, singular in PLURALS if end.search(word))
