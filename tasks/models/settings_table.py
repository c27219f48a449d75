"""The table of a campaign's settings in docs/campaigns.md, made from their declaration."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tasks.models.campaign_settings import SETTINGS
from tasks.models.setting_types import (
    NOT_SET,
    REQUIRED,
    Choice,
    Dollars,
    Flag,
    Group,
    ListOf,
    Named,
    Number,
    Setting,
    Slug,
    Text,
    Type,
    Whole,
    WordOr,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "campaigns.md"
BEGIN = "<!-- The table is made by tasks/models/settings_table.py -->\n\n"
END = "\n<!-- The end of the table -->\n"


def with_table(document: str) -> str:
    """A document in Markdown, the table between its two marks replaced by the one declared."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


def write_table() -> None:
    """Bring docs/campaigns.md up to date."""
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))


def table() -> str:
    """The settings as a table in Markdown, and after each group's row those of its parts."""
    rows = [row for setting in SETTINGS.values() for row in _rows(setting)]
    head = ("setting", "default", "values", "meaning")
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows(setting: Setting, above: str = "") -> Iterator[tuple[str, ...]]:
    name = f"{above}{setting.name}"
    help = f"{setting.where}: {setting.help}" if setting.where else setting.help
    yield f"`{name}`", _default_in_words(setting), _type_in_words(setting.type), help
    kinds = setting.type.types if isinstance(setting.type, WordOr) else (setting.type,)
    for kind in kinds:
        for part in kind.parts if isinstance(kind, Group) else ():
            yield from _rows(part, f"{name}.")


def _default_in_words(setting: Setting) -> str:
    if setting.default is REQUIRED:
        return "must be given"
    if setting.default is NOT_SET:
        return "not set"
    if isinstance(setting.type, Group) and setting.default is not None:
        return "as below"
    value = setting.default
    if isinstance(value, Decimal):
        value = str(value) if isinstance(setting.type, Dollars) else float(value)
    return f"`{json.dumps(value)}`"


def _type_in_words(type: Type) -> str:
    match type:
        case Flag():
            return "true or false"
        case Whole(None, None):
            return "a whole number"
        case Whole(least, None):
            return f"a whole number, at least {least:,}"
        case Whole(least, most) | Number(least, most):
            return f"{least:,} to {most:,}"
        case Dollars(least, most):
            return f'"{least:.2f}" to "{most:.2f}"'
        case Text(longest=None) | Slug(longest=None):
            return "text"
        case Text(longest=longest) | Slug(longest=longest):
            return f"text of at most {longest:,} characters"
        case Choice(options):
            return " or ".join(f"`{word}`" for word in options)
        case Named(what):
            return f"the name of a {what}"
        case ListOf(longest=longest):
            return f"a list, at most {longest}" if longest else "a list"
        case Group():
            return "an object of the parts below"
        case WordOr(form=form):
            return form
    raise TypeError(type)
