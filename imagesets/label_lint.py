"""Finds labels that workers will confuse by name alone; pure functions, no database.

The paper's own label set had such faults: two classes named "maillot", two named "crane", a
"sunglass" beside "sunglasses". Found before publishing, they cost nothing.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from imagesets.alike_names import AlikeNames


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
    "nearly the same name": "names differ by plural, case, spaces or punctuation only",
    "contained name": "one label's name is part of another's",
    "shared article": "two labels link to the same Wikipedia article",
    "shared definition": "two labels have the same definition",
    "no definition": "a label has no definition",
}

LISTED = 5  # names in a finding's text; its keys are all there
WIKIPEDIA = re.compile(r"(?:(?:www|(?P<language>[\w-]{2,}))\.)?(?:m\.)?wikipedia\.org")


def lint(labels: Iterable[LabelLike]) -> list[Finding]:
    """All findings over a label set, worst rule first (the order of RULES), then by keys.

    One for each group of labels, however large; labels that share several faults of their names
    are reported under the worst only. Time grows with the number of names, not with pairs.
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


def some(texts: Sequence[str], most: int = LISTED) -> str:
    """The first few of many texts: "a, b and 1,998 more"."""
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


class _Told:
    """Which labels stand in one finding already."""

    def __init__(self) -> None:
        self.findings: dict[str, set[int]] = defaultdict(set)  # of each key, by number
        self.numbers = count()

    def together(self, keys: Iterable[str]) -> set[int]:
        """The findings that all these labels stand in."""
        return set.intersection(*(self.findings[key] for key in keys))

    def tell(self, keys: Iterable[str]) -> None:
        number = next(self.numbers)
        for key in keys:
            self.findings[key].add(number)


def _names(labels: list[LabelLike]) -> Iterable[Finding]:
    told = _Told()
    first: dict[str, dict[str, LabelLike]] = defaultdict(dict)
    exact: dict[str, dict[str, tuple[LabelLike, str]]] = defaultdict(dict)
    for label in labels:
        first[_exact(label.names[0])][label.key] = label
        for name in label.names:
            exact[_exact(name)].setdefault(label.key, (label, name))

    def found(rule: str, keys: Iterable[str], text: str) -> Iterable[Finding]:
        keys = tuple(sorted(keys))
        if len(keys) > 1 and not told.together(keys):
            told.tell(keys)
            yield Finding(rule, keys, text)

    for named in first.values():
        name = next(iter(named.values())).names[0]
        both = "both" if len(named) == 2 else f"{len(named):,} labels"
        yield from found("same name", named, f"{both} are named {name!r}")
    for holders in exact.values():
        name = next(iter(holders.values()))[1]
        names = [repr(label.names[0]) for label, _ in holders.values()]
        both = f"both {' and '.join(names)}"
        if len(names) > 2:
            both = f"{len(names):,} labels: {some(names)}"
        yield from found("synonym", holders, f"{name!r} names {both}")
    alike = AlikeNames(name for label in labels for name in label.names)
    nearly: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        for name in label.names:
            nearly[alike.group(name)].setdefault(label.key, name)
    for group in nearly.values():
        names = list(dict.fromkeys(map(repr, group.values())))
        text = " and ".join(names) if len(names) == 2 else some(names)
        yield from found("nearly the same name", group, text)
    yield from _contained(labels, alike, nearly, told)


def _contained(
    labels: list[LabelLike], alike: AlikeNames, nearly: dict[str, dict[str, str]], told: _Told
) -> Iterable[Finding]:
    """One finding for each name that is a part of others."""
    longer: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        for name in label.names:
            for group in alike.inside(name):
                if label.key not in nearly[group]:
                    longer[group].setdefault(label.key, name)
    for group, names in longer.items():
        holders = nearly[group]
        told_of_all = told.together(holders)
        new = {key: name for key, name in names.items() if not told_of_all & told.findings[key]}
        if not new:
            continue
        if len(holders) == 1:
            for key in new:
                told.tell([*holders, key])
        inside = some(list(dict.fromkeys(map(repr, new.values()))))
        shorter = next(iter(holders.values()))
        yield Finding(
            "contained name", tuple(sorted([*holders, *new])), f"{shorter!r} is in {inside}"
        )


def _shared(labels: list[LabelLike]) -> Iterable[Finding]:
    articles = [
        (label, {_article(address): address for address in label.wikipedia}) for label in labels
    ]
    definitions = [
        (label, {text: text for text in [label.definition.strip()] if text}) for label in labels
    ]
    for rule, values in (("shared article", articles), ("shared definition", definitions)):
        holders: dict[str, list[tuple[LabelLike, str]]] = defaultdict(list)
        for label, of_label in values:
            for value, text in of_label.items():
                holders[value].append((label, text))
        for group in holders.values():
            if len(group) > 1:
                names = some([repr(label.names[0]) for label, _ in group])
                keys = tuple(sorted(label.key for label, _ in group))
                yield Finding(rule, keys, f"{names}: {group[0][1]}")


def _article(address: str) -> str:
    """An address without what leads to the same page: for Wikipedia's the language and title."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return address
    host = parts.netloc.lower()
    path = unquote(parts.path, errors="surrogateescape").rstrip("/")
    title = path.removeprefix("/wiki/") if path.startswith("/wiki/") else ""
    title = title or parse_qs(parts.query).get("title", [""])[0]
    wikipedia = WIKIPEDIA.fullmatch(host)
    if not wikipedia or not title:
        return f"{host}{path}?{parts.query}#{parts.fragment}"
    title = unicodedata.normalize("NFC", " ".join(title.replace("_", " ").split()))
    return f"{wikipedia['language'] or 'en'}:{title[:1].upper()}{title[1:]}"


def _exact(name: str) -> str:
    """What is the same for names that look the same but for capitals."""
    return " ".join(unicodedata.normalize("NFC", name.casefold()).split())
