"""This app's error: what is wrong with a classifier or its input, and what to do about it."""

import re

SHOWN = 120  # characters of a wrong value that an error shows


class InferenceError(RuntimeError):
    """A classifier, its weights or its predictions cannot be used; the message says what to do."""


def is_text(value: object) -> bool:
    """Whether a value is text that the database can hold: no NUL, no lone surrogate."""
    return isinstance(value, str) and "\0" not in value and not re.search("[\ud800-\udfff]", value)


def short(value: object) -> str:
    """A value as an error shows it: unprintable characters escaped, the end cut off."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
