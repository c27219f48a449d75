"""Reads answers as other tools write them: one choice, several, or a table of ticks."""

import json
from collections.abc import Mapping
from typing import Any

TASK_ANSWERS = "Answer.taskAnswers"  # MTurk's newer form: all answers of an assignment in one cell
# A choice or a list of them: MTurk's image classifiers, Label Studio's choices.
CHOSEN = ("label", "labels", "choices")


def answers_in(cell: str) -> dict[str, str]:
    """The answers in a cell of Answer.taskAnswers, by the columns that MTurk has had for them.

    [{"category": {"label": "cat"}}] gives both Answer.category and Answer.category.label. {} if
    the cell is not a JSON list with one object.
    """
    try:
        (answers,) = json.loads(cell)
    except (ValueError, TypeError, RecursionError):
        return {}
    columns: dict[str, str] = {}
    left = [(f"Answer.{name}", value) for name, value in _items(answers)]
    while left:
        column, value = left.pop(0)
        text = as_text(value)
        if text is not None:
            columns[column] = text
        left += [(f"{column}.{name}", inner) for name, inner in _items(value)]
    return columns


def as_text(value: Any) -> str | None:
    """An answer as a CSV cell has it; several choices as a JSON list. None: not one answer."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case list():
            return json.dumps(value)
        case {"on": bool(ticked)} if len(value) == 1:
            return str(ticked).lower()
    for name in CHOSEN:
        if name in value and isinstance(value[name], str | list):
            return as_text(value[name])
    return ticked_in(value)


def ticked_in(answers: Mapping[str, Any]) -> str | None:
    """The names that are ticked, as a JSON list; None unless each is ticked or not."""
    ticked = []
    for name, value in answers.items():
        word = value.strip().lower() if isinstance(value, str) else value
        if word in (True, "true", "1", "yes", "on", name.lower()):
            ticked.append(name)
        elif word not in (False, None, "", "false", "0", "no", "off"):
            return None
    return json.dumps(ticked)


def choices_in(value: Any) -> list[Any]:
    """The choices of an answer: a list, JSON of one, `a|b|c` as MTurk writes ticks, or one word."""
    if isinstance(value, Mapping):
        value = as_text(value)
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
        return choices_in(value)
    if isinstance(value, list):
        return value
    return [] if value in (None, "") else str(value).split("|")


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
