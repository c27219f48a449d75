"""Reads the value of one field: text from CSV, or JSON's own type.

Each function takes a raw value, which is never empty, and raises ValueError saying what is wrong
with it.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tasks.responses.errors import short

LONGEST_NAME = 200  # characters, as the columns of keys
LARGEST_SMALLINT = 2**15 - 1
LARGEST_POSITION = 2**31 - 1

YES, NO, MAYBE, UNSEEN = 1, 0, 2, -1
SELECTED = {"true": YES, "1": YES, "yes": YES, "false": NO, "0": NO, "no": NO, "maybe": MAYBE}
BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
STATUSES = {
    "accepted": "accepted",
    "approved": "accepted",  # MTurk's word
    "submitted": "submitted",
    "rejected": "rejected",
    "returned": "returned",
    "expired": "expired",
}
# The time zones that MTurk writes.
ZONES = {"PST": -8, "PDT": -7, "UTC": 0, "GMT": 0}
_MTURK_TIME = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2} \d{1,2} \d{2}:\d{2}:\d{2}) ([A-Z]{3}) (\d{4})"
)


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
    if not value.strip():
        raise ValueError("is empty")
    if len(value) > LONGEST_NAME:
        raise ValueError(f"is {len(value)} characters long; at most {LONGEST_NAME} are allowed")
    return value


def _word(value: Any, words: Mapping[str, Any], meaning: str) -> Any:
    if isinstance(value, bool | int):
        value = str(value)
    word = words.get(value.lower()) if isinstance(value, str) else None
    if word is None:
        raise ValueError(f"{short(value)} is not understood ({meaning})")
    return word


def selected(value: Any) -> int:
    """A worker's answer on a tile: YES, NO or MAYBE."""
    return _word(value, SELECTED, "true, false, maybe, yes, no, 1, 0, or empty: not seen")


def boolean(value: Any) -> bool:
    """True or false."""
    return _word(value, BOOLEANS, "true or false")


def status(value: Any) -> str:
    """The status of an assignment, in this project's words."""
    return _word(value, STATUSES, ", ".join(STATUSES))


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """A reader of whole numbers within limits."""

    def read(value: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"must be a whole number, not {short(value)}")
        if not least <= value <= most:
            raise ValueError(f"must be from {least} to {most}, not {value}")
        return value

    return read


def seconds(value: Any) -> float:
    """A number of seconds."""
    try:
        number = float("no" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be a number of seconds, not {short(value)}") from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"must be a number of seconds from 0, not {short(value)}")
    return number


def moment(value: Any) -> datetime:
    """A time in ISO 8601 (without an offset: UTC), or as MTurk writes it."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
            return time.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        if (match := _MTURK_TIME.fullmatch(value)) and match[2] in ZONES:
            try:
                time = datetime.strptime(f"{match[1]} {match[3]}", "%b %d %H:%M:%S %Y")
                return time.replace(tzinfo=timezone(timedelta(hours=ZONES[match[2]])))
            except ValueError:
                pass
    raise ValueError(
        f"{short(value)} is not a time (ISO 8601, as 2026-08-01T12:00:00Z, or as MTurk writes it)"
    )


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

    def many(self, value: Any) -> list[int]:
        """The ids of a list of labels (in CSV: JSON text), in its order, without repetition."""
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
