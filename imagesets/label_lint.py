"""Finds labels that workers will confuse by name alone; pure functions, no database.

The paper's own label set had such faults: two classes named "maillot", two named "crane", a
"sunglass" beside "sunglasses". Found before publishing, they cost nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol


class LabelLike(Protocol):
    """What the lint looks at: imagesets.models.Label and imagesets.imagenet.ClassEntry fit."""

    @property
    def key(self) -> str: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def definition(self) -> str: ...
    @property
    def wikipedia(self) -> Sequence[str]: ...


class Finding(NamedTuple):
    """One fault: `rule`, the keys of the labels in it (sorted), and a sentence for a person."""

    rule: str
    keys: tuple[str, ...]
    text: str


RULES = {
    "same name": "two labels have the same first name",
    "synonym": "one label's name is another's synonym",
    "nearly the same name": "names differ by plural, case, spaces or hyphens only",
    "contained name": "one label's name is part of another's",
    "shared article": "two labels link to the same Wikipedia article",
    "shared definition": "two labels have the same definition",
    "no definition": "a label has no definition",
}


def lint(labels: Iterable[LabelLike]) -> list[Finding]:
    """All findings over a label set, worst rule first (the order of RULES), then by keys.

    A pair of labels is reported under its worst name rule only. Time grows with the number of
    names, not with pairs of labels.
    """
    labels = list(labels)
    findings = [*_names(labels), *_shared(labels)]
    findings += [
        Finding("no definition", (label.key,), f"{label.names[0]} has no definition")
        for label in labels
        if not label.definition.strip()
    ]
    order = list(RULES)
    return sorted(findings, key=lambda finding: (order.index(finding.rule), finding.keys))


def _names(labels: list[LabelLike]) -> Iterable[Finding]:
    found: dict[tuple[str, str], Finding] = {}

    def add(rule: str, a: LabelLike, b: LabelLike, text: str) -> None:
        if a.key != b.key:
            pair = (min(a.key, b.key), max(a.key, b.key))
            found.setdefault(pair, Finding(rule, pair, text))

    exact: dict[str, list[tuple[LabelLike, int]]] = defaultdict(list)
    alike: dict[str, list[tuple[LabelLike, str]]] = defaultdict(list)
    for label in labels:
        for position, name in enumerate(label.names):
            exact[name.casefold()].append((label, position))
            alike[_plain(name)].append((label, name))
    holders = [group for group in exact.values() if len(group) > 1]
    for group in holders:
        for a, at in group:
            for b, bt in group:
                if at == bt == 0:
                    add("same name", a, b, f"both are named {a.names[0]!r}")
    for group in holders:
        for i, (a, at) in enumerate(group):
            for b, _ in group[i + 1 :]:
                name = a.names[at]
                add("synonym", a, b, f"{name!r} names both {a.names[0]!r} and {b.names[0]!r}")
    for named in alike.values():
        for i, (a, name) in enumerate(named):
            for b, other_name in named[i + 1 :]:
                add("nearly the same name", a, b, f"{name!r} and {other_name!r}")
    for label in labels:
        for name in label.names:
            words = _plain(name).split()
            for start in range(len(words)):
                for end in range(start + 1, len(words) + 1):
                    if end - start == len(words):
                        continue
                    for other, shorter in alike.get(" ".join(words[start:end]), ()):
                        add("contained name", label, other, f"{shorter!r} is in {name!r}")
    return found.values()


def _shared(labels: list[LabelLike]) -> Iterable[Finding]:
    articles = [(label, set(label.wikipedia)) for label in labels]
    definitions = [(label, {label.definition.strip()} - {""}) for label in labels]
    for rule, values in (("shared article", articles), ("shared definition", definitions)):
        holders: dict[str, list[LabelLike]] = defaultdict(list)
        for label, of_label in values:
            for value in of_label:
                holders[value].append(label)
        for value, group in holders.items():
            if len(group) > 1:
                names = ", ".join(repr(label.names[0]) for label in group)
                yield Finding(
                    rule, tuple(sorted(label.key for label in group)), f"{names}: {value}"
                )


def _plain(name: str) -> str:
    """A name in small letters, hyphens as spaces, each word without the ending of a plural."""
    return " ".join(_singular(w) for w in re.sub(r"[\W_]+", " ", name.casefold()).split())


def _singular(word: str) -> str:
    if re.search(r"(ss|sh|ch|x)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search(r"[^su]s$", word) else word
