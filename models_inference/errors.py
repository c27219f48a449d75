"""The one error of this app: what is wrong with a classifier or its input, and what to do."""

import re

NAMED = 120  # characters of a wrong value that an error shows


class InferenceError(RuntimeError):
    """A classifier, its weights or its predictions cannot be used; the text says what to do."""


def is_text(value: object) -> bool:
    """Whether a value is a text that the database can hold: no NUL, no half of a character."""
    return isinstance(value, str) and "\0" not in value and not re.search("[\ud800-\udfff]", value)


def short(value: object) -> str:
    """A value as an error names it: what cannot be printed escaped, the end cut off."""
    text = repr(value)
    return text if len(text) <= NAMED else f"{text[:NAMED]}..."
