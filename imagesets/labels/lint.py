"""Finds labels whose names alone will confuse workers; pure functions, no database.

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

from imagesets.labels.alike_names import AlikeNames


class LabelLike(Protocol):
    """What the lint looks at, such as imagesets.models.Label and imagenet.ClassEntry."""

    @property
    def key(self) -> str: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def definition(self) -> str: ...
    @property
    def wikipedia(self) -> Sequence[str]: ...


class Finding(NamedTuple):
    """A fault: the rule, the keys of its labels (sorted), and a sentence for people."""

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

LISTED = 5  # names in a finding's text; its keys are complete
WIKIPEDIA = re.compile(r"(?:(?:www|(?P<language>[\w-]{2,}))\.)?(?:m\.)?wikipedia\.org")


def lint(labels: Iterable[LabelLike]) -> list[Finding]:
    """All findings in a label set, worst rule first (the order of RULES), then by keys.

    One for each group of labels, however large; if the names of some labels have several faults
    in common, only the worst is reported. Time grows with the number of names, not of pairs.
    """
    labels = list(labels)
    findings = [*_name_faults(labels), *_shared_texts(labels)]
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


class _Reported:
    """Which labels a finding already names together."""

    def __init__(self) -> None:
        self.findings: dict[str, set[int]] = defaultdict(set)  # label key -> numbers of findings
        self.numbers = count()

    def together(self, keys: Iterable[str]) -> set[int]:
        """The findings that name all these labels."""
        return set.intersection(*(self.findings[key] for key in keys))

    def add(self, keys: Iterable[str]) -> None:
        number = next(self.numbers)
        for key in keys:
            self.findings[key].add(number)


def _name_faults(labels: list[LabelLike]) -> Iterable[Finding]:
    reported = _Reported()
    by_first_name: dict[str, dict[str, LabelLike]] = defaultdict(dict)
    by_name: dict[str, dict[str, tuple[LabelLike, str]]] = defaultdict(dict)
    for label in labels:
        by_first_name[_exact(label.names[0])][label.key] = label
        for name in label.names:
            by_name[_exact(name)].setdefault(label.key, (label, name))

    def unless_reported(rule: str, keys: Iterable[str], text: str) -> Iterable[Finding]:
        keys = tuple(sorted(keys))
        if len(keys) > 1 and not reported.together(keys):
            reported.add(keys)
            yield Finding(rule, keys, text)

    for named in by_first_name.values():
        name = next(iter(named.values())).names[0]
        both = "both" if len(named) == 2 else f"{len(named):,} labels"
        yield from unless_reported("same name", named, f"{both} are named {name!r}")
    for holders in by_name.values():
        name = next(iter(holders.values()))[1]
        names = [repr(label.names[0]) for label, _ in holders.values()]
        both = f"both {' and '.join(names)}"
        if len(names) > 2:
            both = f"{len(names):,} labels: {some(names)}"
        yield from unless_reported("synonym", holders, f"{name!r} names {both}")
    alike = AlikeNames(name for label in labels for name in label.names)
    by_group: dict[str, dict[str, str]] = defaultdict(dict)  # group -> label key -> name
    for label in labels:
        for name in label.names:
            by_group[alike.group(name)].setdefault(label.key, name)
    for group in by_group.values():
        names = list(dict.fromkeys(map(repr, group.values())))
        text = " and ".join(names) if len(names) == 2 else some(names)
        yield from unless_reported("nearly the same name", group, text)
    yield from _contained_names(labels, alike, by_group, reported)


def _contained_names(
    labels: list[LabelLike],
    alike: AlikeNames,
    by_group: dict[str, dict[str, str]],
    reported: _Reported,
) -> Iterable[Finding]:
    """One finding for each name that is part of others."""
    longer: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        for name in label.names:
            for group in alike.inside(name):
                if label.key not in by_group[group]:
                    longer[group].setdefault(label.key, name)
    for group, names in longer.items():
        holders = by_group[group]
        of_all = reported.together(holders)
        new = {key: name for key, name in names.items() if not of_all & reported.findings[key]}
        if not new:
            continue
        if len(holders) == 1:
            for key in new:
                reported.add([*holders, key])
        inside = some(list(dict.fromkeys(map(repr, new.values()))))
        shorter = next(iter(holders.values()))
        yield Finding(
            "contained name", tuple(sorted([*holders, *new])), f"{shorter!r} is in {inside}"
        )


def _shared_texts(labels: list[LabelLike]) -> Iterable[Finding]:
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
    """What tells pages apart in an address; for Wikipedia's, the language and the title."""
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
    """A form that is equal for names that look the same apart from capitals."""
    return " ".join(unicodedata.normalize("NFC", name.casefold()).split())
