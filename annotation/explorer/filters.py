"""The filters of a view as its URL has them: their names, what they may say, what they mean."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from imagesets.models import Dataset
from models_inference.models import Classifier

LONGEST_TEXT = 200  # characters
MOST_VALUES = 50  # of one filter

# What each filter of fixed values may say, and how a page says it.
CHOICES: dict[str, dict[str, str]] = {
    "group": {
        "fu": "fu: follow up",
        "mis": "mis: nobody selected the dataset label",
        "easy": "easy: no other label comes near",
        "amb": "amb: too few answers",
        "none": "in no group",
    },
    "objects": {
        "0": "none of the labels",
        "1": "1 object",
        "2": "2 objects",
        "3": "3 objects",
        "4": "4 or more",
        "none": "not answered",
    },
    "disagreement": {
        "all": "nobody says the dataset label",
        "half": "at least half say another",
        "some": "some say another",
        "no": "all say the dataset label",
        "object": "another object is the main one",
        "none": "not known",
    },
    "withdrawn": {"yes": "withdrawn"},
    "models": {
        "no": "no classifier is right",
        "some": "some are right",
        "all": "all are right",
        "none": "none predicted it",
    },
}
RANGES = ("sf_from", "sf_to", "posterior_from", "posterior_to")
LABELS = ("label", "shows", "main", "of")
CLASSIFIERS = ("right", "wrong")
ALL_OF = ("shows", "right", "wrong")  # filters that ask for all that they name


class BadFilter(Exception):
    """A filter says what it cannot; the message is a sentence that names it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Filters:
    """What a view is narrowed to. Each filter narrows further; within one, any value will do,
    but `shows`, `right` and `wrong` ask for all that they name.

    group, objects, disagreement, models, withdrawn: values of CHOICES; images that were withdrawn
    are in a view only where it asks for them, and then alone. label: dataset labels, by key.
    shows: labels that at least half of the workers selected; two make a pair. main: main labels.
    right, wrong: names of classifiers whose top 1 is, or is not, the dataset label.
    sf_from ... posterior_to: bounds, both included, for the dataset label, or the label `of`.
    text: a part of the image's key or of its dataset label's names.
    """

    group: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    disagreement: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    main: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    of: str = ""
    sf_from: str = ""
    sf_to: str = ""
    posterior_from: str = ""
    posterior_to: str = ""
    text: str = ""

    @classmethod
    def of_query(cls, query: QueryDict) -> "Filters":
        """Raises BadFilter for a value that no dataset could have; see also `named_in`."""
        given: dict[str, Any] = {}
        for field in fields(cls):
            values = [value.strip() for value in query.getlist(field.name) if value.strip()]
            if isinstance(field.default, str):
                if len(values) > 1:
                    raise BadFilter(field.name, f"{field.name} is given {len(values)} times.")
                given[field.name] = values[0] if values else ""
            else:
                given[field.name] = tuple(dict.fromkeys(values))
        filters = cls(**given)
        filters._check()
        return filters

    def _check(self) -> None:
        for name, choices in CHOICES.items():
            for value in getattr(self, name):
                if value not in choices:
                    raise BadFilter(
                        name, f"{name} is one of {', '.join(choices)}, not “{value[:60]}”."
                    )
        for name in (*LABELS, *CLASSIFIERS):
            if len(getattr(self, name)) > MOST_VALUES and name != "of":
                raise BadFilter(name, f"{name} names more than {MOST_VALUES}.")
        for name in RANGES:
            bound(self, name)
        for low, high in (RANGES[:2], RANGES[2:]):
            first, last = bound(self, low), bound(self, high)
            if first is not None and last is not None and first > last:
                raise BadFilter(
                    low, f"{low} {getattr(self, low)} is above {high} {getattr(self, high)}."
                )
        if len(self.text) > LONGEST_TEXT:
            raise BadFilter("text", f"text is longer than {LONGEST_TEXT} characters.")

    def query(self, **more: str | None) -> str:
        """As the part of a URL behind "?", in one order; `more` stands in front."""
        pairs = [(name, value) for name, value in more.items() if value]
        for field in fields(self):
            pairs += [(field.name, value) for value in _values(getattr(self, field.name))]
        return urlencode(pairs)

    def with_value(self, name: str, value: str) -> "Filters":
        """The filters with this value of one of them on, or off if it was on."""
        now: Sequence[str] = getattr(self, name)
        values = [each for each in now if each != value] if value in now else [*now, value]
        changed: dict[str, Any] = {name: tuple(values)}
        return replace(self, **changed)

    def without(self, *names: str) -> "Filters":
        """The filters but for these."""
        none = Filters()
        return replace(self, **{name: getattr(none, name) for name in names})

    @property
    def in_use(self) -> list[str]:
        """Names of the filters that narrow the view."""
        named = [field.name for field in fields(self) if getattr(self, field.name)]
        return [name for name in named if name != "of"]


NAMES = frozenset(field.name for field in fields(Filters))


def bound(filters: Filters, name: str) -> Fraction | None:
    """A bound of a range exactly as it was written. Raises BadFilter unless it is in [0, 1]."""
    text = getattr(filters, name)
    if not text:
        return None
    try:
        if not re.fullmatch(r"[0-9]{0,3}[.,]?[0-9]{0,15}", text):
            raise ValueError
        value = Fraction(text.replace(",", "."))
    except ValueError:
        value = Fraction(-1)
    if not 0 <= value <= 1:
        raise BadFilter(name, f"{name} is a number from 0 to 1, not “{text[:60]}”.")
    return value


def named_in(filters: Filters, dataset: Dataset) -> tuple[dict[str, int], dict[str, int]]:
    """Ids of the labels and of the classifiers that the filters name, by what they say.

    A label is named by its key, or by any of its names that no other label has. Raises BadFilter
    for the first that the dataset has not.
    """
    words = {word for name in LABELS for word in _values(getattr(filters, name))}
    names = {word for name in CLASSIFIERS for word in getattr(filters, name)}
    labels = dict(dataset.labels.filter(key__in=words).values_list("key", "pk")) if words else {}
    classifiers = (
        dict(Classifier.objects.filter(dataset=dataset, name__in=names).values_list("name", "pk"))
        if names
        else {}
    )
    for name in LABELS:
        for word in _values(getattr(filters, name)):
            if word not in labels:
                labels[word] = _label_called(word, name, dataset)
    for name in CLASSIFIERS:
        for word in getattr(filters, name):
            if word not in classifiers:
                raise BadFilter(name, f"{name}: this dataset has no classifier “{word[:60]}”.")
    return labels, classifiers


def _label_called(word: str, name: str, dataset: Dataset) -> int:
    called = list(dataset.labels.filter(names__contains=[word]).values_list("pk", "key")[:3])
    if not called:
        raise BadFilter(name, f"{name}: this dataset has no label “{word[:60]}”.")
    if len(called) > 1:
        keys = ", ".join(key for _, key in called)
        raise BadFilter(
            name, f"{name}: “{word[:60]}” is the name of more than one label ({keys}): give a key."
        )
    return called[0][0]


def _values(value: str | Iterable[str]) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return list(value)


def refuse_unknown(query: Iterable[str], others: Iterable[str]) -> None:
    """Raise BadFilter for a parameter of a URL that is neither a filter nor one of these others."""
    for name in query:
        if name not in NAMES.union(others):
            raise BadFilter(name, f"There is no filter “{name[:60]}”.")
