"""The table of a campaign's settings in docs/campaigns.md, made from their declaration."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from imagesets.made_tables import MadeTable
from tasks.models.campaign_settings import SETTINGS
from tasks.models.setting_types import (
    NOT_SET,
    REQUIRED,
    Choice,
    Dollars,
    Flag,
    Foreign,
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


def _table() -> Iterator[tuple[str, ...]]:
    """A row for each setting, and after a group's those of its parts."""
    yield "setting", "default", "values", "meaning"
    for setting in SETTINGS.values():
        yield from _rows(setting)


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
        case Text(by_language=True):
            return f"{_type_in_words(replace(type, by_language=False))}, or one by language"
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
        case WordOr(form=form) | Foreign(form=form):
            return form
    raise TypeError(type)


TABLE = MadeTable("docs/campaigns.md", "tasks/models/settings_table.py", _table)
