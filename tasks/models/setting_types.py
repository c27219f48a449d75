"""The words in which a campaign's settings are declared: types of values, groups, and rules.

Pure data: this module imports the standard library alone.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

Problem = tuple[str, str]  # the setting's name, with that of a part after a dot, and a sentence
Rule = Callable[[Mapping[str, Any]], Problem | None]


class Default(Enum):
    """What stands in place of a default."""

    REQUIRED = "the setting must be given"
    NOT_SET = "it has no value until it is given"


REQUIRED, NOT_SET = Default.REQUIRED, Default.NOT_SET


@dataclass(frozen=True)
class Flag:
    """True or false."""


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int | None
    most: int | None


@dataclass(frozen=True)
class Number:
    """A number; with `places`, of that many decimal places at most, else as it was written."""

    least: Decimal
    most: Decimal
    places: int | None = None


@dataclass(frozen=True)
class Dollars:
    """A sum of money, to the cent."""

    least: Decimal
    most: Decimal


@dataclass(frozen=True)
class Text:
    """A text; `lines` says whether it may have several, `trim` whether spaces around it go.

    `by_language`: it may be given as an object instead, of one text for each language code.
    """

    longest: int | None = None
    blank: bool = False
    lines: bool = False
    trim: bool = True
    by_language: bool = False


@dataclass(frozen=True)
class Slug:
    """Letters, digits, hyphens and underscores."""

    longest: int


@dataclass(frozen=True)
class Choice:
    """One of some words, each with its title."""

    options: Mapping[str, str]


@dataclass(frozen=True)
class Named:
    """The name of something to look up: a dataset, a campaign or a crowd."""

    what: str


@dataclass(frozen=True)
class ListOf:
    """A list; with `distinct`, nothing may stand in it twice."""

    item: "Type"
    longest: int | None = None
    empty: bool = True
    distinct: bool = False


@dataclass(frozen=True, eq=False)  # each its own, and so hashable
class Group:
    """Parts that are given and replaced together, and the rules between them."""

    name: str
    about: str
    parts: tuple["Setting", ...]
    rules: tuple[Rule, ...] = ()

    def defaults(self) -> dict[str, Any]:
        """The value of a group of which nothing is given."""
        return {
            part.name: copy.deepcopy(part.default)
            for part in self.parts
            if part.default is not NOT_SET
        }


@dataclass(frozen=True)
class WordOr:
    """A certain word, or a value of one of the types; `form` shows what is meant."""

    word: str
    types: tuple["Type", ...]
    form: str


@dataclass(frozen=True, eq=False)
class Foreign:
    """JSON in somebody else's form.

    `wrong` says where it is wrong, with dots, and how; `schema` stands in OpenAPI.
    """

    form: str
    wrong: Callable[[Any], Problem | None]
    schema: Mapping[str, Any]


Type = (
    Flag
    | Whole
    | Number
    | Dollars
    | Text
    | Slug
    | Choice
    | Named
    | ListOf
    | Group
    | WordOr
    | Foreign
)


@dataclass(frozen=True)
class Setting:
    """A setting of a campaign, or a part of one.

    `null` says whether it may be given as null. With `null_is_default` it may not, but a campaign
    made without it stores null, which stands for the default. `kinds` and `crowds` say where the
    setting has an effect; empty: everywhere. `later`: it may still be changed after publishing.
    """

    name: str
    title: str
    type: Type
    help: str = ""
    default: Any = REQUIRED
    null: bool = False
    null_is_default: bool = False
    kinds: tuple[str, ...] = ()
    crowds: tuple[str, ...] = ()
    later: bool = False

    @property
    def where(self) -> str:
        """The kinds and crowds that the setting is for, in words; "" if for all."""
        return ", ".join([*map(str.upper, self.kinds), *self.crowds])


def broken_rules(values: Mapping[str, Any], rules: Iterable[Rule]) -> list[Problem]:
    """What contradicts itself in a campaign's settings, or in a group's parts.

    Each value is valid for itself; a campaign or dataset may stand as its row.
    """
    return [problem for rule in rules if (problem := rule(values))]
