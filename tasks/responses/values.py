"""Reads the value of one field: text from CSV, or JSON's own type.

Each function takes a raw value, which is never empty, and raises ValueError saying what is wrong
with it. Yes and no, numbers and lists are None where a program wrote NaN, NA and the like.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from imagesets.tables import values
from imagesets.tables.values import is_missing
from tasks.responses.errors import short

LONGEST_NAME = 200  # characters, as the columns of keys
LARGEST_SMALLINT = 2**15 - 1
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+")  # as Excel writes numbers of 12 digits and more
LARGEST_POSITION = 2**31 - 1

YES, NO, MAYBE, UNSEEN = 1, 0, 2, -1
BOOLEANS = values.BOOLEANS
SELECTED = {word: YES if yes else NO for word, yes in BOOLEANS.items()} | {"maybe": MAYBE}
STATUSES = {
    "accepted": "accepted",
    "approved": "accepted",  # MTurk's word
    "submitted": "submitted",
    "rejected": "rejected",
    "returned": "returned",
    "expired": "expired",
}


def text(value: Any) -> str:
    """Text that the database can hold, unchanged."""
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {short(value)}")
    if "\0" in value:
        raise ValueError("holds a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("holds half a character (a lone surrogate)") from None
    return value


def name(value: Any) -> str:
    """The name of a worker, a HIT or an assignment; a JSON number is read as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    value = text(value)
    if value in ("nan", "NaN"):
        raise ValueError("is NaN, which stands for a missing value")
    if not value.strip():
        raise ValueError("is empty")
    if "E+" in value and _ROUNDED.fullmatch(value):
        raise ValueError(
            f"{short(value)} is a long number that a spreadsheet rounded: several ids may have"
            " become one (save the column as text)"
        )
    if len(value) > LONGEST_NAME:
        raise ValueError(f"is {len(value)} characters long; at most {LONGEST_NAME} are allowed")
    return value


def _word(value: Any, words: Mapping[str, Any], meaning: str) -> Any:
    if isinstance(value, bool | int | float):
        value = str(value)
    if isinstance(value, str) and is_missing(value):
        return None
    word = words.get(value.lower()) if isinstance(value, str) else None
    if word is None:
        raise ValueError(f"{short(value)} is not understood ({meaning})")
    return word


def selected(value: Any) -> int | None:
    """A worker's answer on a tile: YES, NO or MAYBE."""
    return _word(value, SELECTED, "true, false, maybe, yes, no, 1, 0, or empty: not seen")


def boolean(value: Any) -> bool | None:
    """True or false."""
    return _word(value, BOOLEANS, "true or false")


def status(value: Any) -> str | None:
    """The status of an assignment, in this project's words."""
    return _word(value, STATUSES, ", ".join(STATUSES))


def whole_number(least: int, most: int) -> Callable[[Any], int | None]:
    """A reader of whole numbers within limits, also written as 3.0."""

    def read(value: Any) -> int | None:
        number = value
        if isinstance(value, str):
            if is_missing(value):
                return None
            number = values.whole_number(value)
        elif isinstance(value, float) and value.is_integer():
            number = int(value)
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError(f"must be a whole number, not {short(value)}")
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most}, not {number}")
        return number

    return read


def seconds(value: Any) -> float | None:
    """A number of seconds, also with a decimal comma."""
    text = str(value) if isinstance(value, bool) else value
    try:
        number = float(text)
        why = ""
    except (TypeError, ValueError, OverflowError):
        number, why = math.nan, ""
        if isinstance(text, str) and "," in text:
            try:
                number = values.number(text)
            except ValueError as error:
                why = f" ({error})"
    if 0 <= number < math.inf:
        return number
    if is_missing(str(text)):
        return None
    what = "a number of seconds" if math.isnan(number) else "a number of seconds from 0"
    raise ValueError(f"must be {what}, not {short(value)}{why}")


class Labels(dict[str, int]):
    """The dataset's labels, key -> id, and readers of fields that name them."""

    def one(self, value: Any) -> int:
        """The id of a label. Raises ValueError if the dataset has none with that key."""
        if not isinstance(value, str):
            raise ValueError(
                f"must be a label's key, which is text, not {short(value)}"
                if not isinstance(value, int | float)
                else f'must be a label\'s key, which is text: "{value}", not {value}'
            )
        label = self.get(value)
        if label is None:
            raise ValueError(f"unknown label {short(value)}")
        return label

    def one_or_none(self, value: Any) -> int | None:
        """As `one`, of a field that may be missing."""
        missing = isinstance(value, str) and value not in self and is_missing(value)
        return None if missing else self.one(value)

    def many(self, value: Any) -> list[int] | None:
        """The ids of a list of labels (in CSV: JSON text), in its order, without repetition."""
        if isinstance(value, str) and is_missing(value):
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, list):
            raise ValueError(
                'must be a list of label keys as JSON, such as ["n02123045", "n07920052"]'
            )
        labels = [self.one(key) for key in value]
        if len(set(labels)) < len(labels):
            twice = next(key for key in value if value.count(key) > 1)
            raise ValueError(f"names {short(twice)} twice")
        return labels
