"""From one field of a file to a value: CSV's text or JSON's own type; anything else is an error.

Each function takes the raw value (never empty: that is None before) and raises ValueError saying
what is wrong with it.
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
# The zones in which MTurk writes its times.
ZONES = {"PST": -8, "PDT": -7, "UTC": 0, "GMT": 0}
_MTURK_TIME = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2} \d{1,2} \d{2}:\d{2}:\d{2}) ([A-Z]{3}) (\d{4})"
)


def text(value: Any) -> str:
    """Text that the database can hold, as it stands."""
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
    """The name of a worker, a HIT or an assignment; a number in JSON is read as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    value = text(value)
    if not value.strip():
        raise ValueError("is empty")
    if len(value) > LONGEST_NAME:
        raise ValueError(f"is {len(value)} characters long; {LONGEST_NAME} are the most")
    return value


def _word(value: Any, words: Mapping[str, Any], meaning: str) -> Any:
    if isinstance(value, bool | int):
        value = str(value)
    found = words.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{short(value)} is not understood ({meaning})")
    return found


def selected(value: Any) -> int:
    """What a worker said of a tile: YES, NO or MAYBE."""
    return _word(value, SELECTED, "true, false, maybe, yes, no, 1, 0, or empty: not seen")


def boolean(value: Any) -> bool:
    """True or false."""
    return _word(value, BOOLEANS, "true or false")


def status(value: Any) -> str:
    """What became of the work, in this project's words."""
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
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
            return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        if (match := _MTURK_TIME.fullmatch(value)) and match[2] in ZONES:
            try:
                found = datetime.strptime(f"{match[1]} {match[3]}", "%b %d %H:%M:%S %Y")
                return found.replace(tzinfo=timezone(timedelta(hours=ZONES[match[2]])))
            except ValueError:
                pass
    raise ValueError(
        f"{short(value)} is no time (ISO 8601, as 2026-08-01T12:00:00Z, or as MTurk writes it)"
    )


class Labels(dict[str, int]):
    """The dataset's labels, key -> id, and how a file names them."""

    def one(self, value: Any) -> int:
        """The id of a label; raises ValueError where the dataset has none of that key."""
        if not isinstance(value, str):
            raise ValueError(
                f"must be a label's key, which is text, not {short(value)}"
                if not isinstance(value, int | float)
                else f'must be a label\'s key, which is text: "{value}", not {value}'
            )
        found = self.get(value)
        if found is None:
            raise ValueError(f"unknown label {short(value)}")
        return found

    def many(self, value: Any) -> list[int]:
        """The ids of a list of labels (in CSV: JSON text), in its order, each once."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, list):
            raise ValueError('must be a list of label keys as JSON, as ["n02123045", "n07920052"]')
        found = [self.one(key) for key in value]
        if len(set(found)) < len(found):
            twice = next(key for key in value if value.count(key) > 1)
            raise ValueError(f"names {short(twice)} twice")
        return found
