"""Reads times: ISO 8601, MTurk's, and those that spreadsheets and other tools write."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from imagesets.tables.values import is_missing
from tasks.responses.errors import short

REMEMBERED = 10_000  # texts that are cached, so that each is parsed once
# The time zones that MTurk writes.
ZONES = {"PST": -8, "PDT": -7, "UTC": 0, "GMT": 0}
EPOCH_1900 = datetime(1899, 12, 30, tzinfo=UTC)  # day 0 of Excel, LibreOffice and Google Sheets
# Days from 1990 to 2119; seconds, and milliseconds, from 2001 to 2128: the ranges are apart.
SERIALS, SECONDS, MILLISECONDS = (32_874, 80_000), (1e9, 5e9), (1e12, 5e12)

_MTURK = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2} \d{1,2} \d{2}:\d{2}:\d{2}) ([A-Z]{3}) (\d{4})")
_ZONE = re.compile(r" (UTC|GMT|Z)$|(?<=\d) (?=[+-]\d\d:?\d\d$)")
_SPREADSHEET = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{4}|\d{2})"
    r"(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AP])M)?)?",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{5,13}(\.\d+)?", re.ASCII)


class Times:
    """Reads the times of one file, and counts those whose form says less than ISO 8601 does."""

    def __init__(self) -> None:
        self._read: dict[Any, tuple[datetime | None, str]] = {}
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def __call__(self, value: Any) -> datetime | None:
        """The moment; None if missing. Raises ValueError saying what is wrong with it."""
        cached = self._read.get(value) if isinstance(value, str) else None
        if cached is None:
            cached = _parse(value)
            if len(self._read) < REMEMBERED and isinstance(value, str):
                self._read[value] = cached
        moment, form = cached
        if form and moment:
            self._counts[form] += 1
            self._examples.setdefault(form, f"{value} as {moment:%Y-%m-%dT%H:%M:%SZ}")
        return moment

    def notes(self) -> list[str]:
        """What was assumed, a clause each, with counts and an example."""
        return [
            f"{count:,} times were read as {form}: {self._examples[form]}"
            for form, count in self._counts.items()
        ]


def _parse(value: Any) -> tuple[datetime | None, str]:
    """The moment, and how a form other than ISO 8601 was read."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(value)
    if isinstance(value, str):
        if is_missing(value):
            return None, ""
        if _NUMBER.fullmatch(value) and len(value) != len("YYYYMMDD"):
            return _counted(value)
        iso = _ZONE.sub(lambda match: "+00:00" if match[1] else "", value)
        try:
            time = datetime.fromisoformat(iso)
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
            return time.astimezone(UTC), ""
        except (ValueError, OverflowError):
            pass
        if (match := _MTURK.fullmatch(value)) and match[2] in ZONES:
            try:
                time = datetime.strptime(f"{match[1]} {match[3]}", "%b %d %H:%M:%S %Y")
                return (time - timedelta(hours=ZONES[match[2]])).replace(tzinfo=UTC), ""
            except ValueError:
                pass
        if match := _SPREADSHEET.fullmatch(value):
            return _of_spreadsheet(value, match), "a spreadsheet's, in UTC"
    raise ValueError(
        f"{short(value)} is not a time (ISO 8601, as 2026-08-01T12:00:00Z, or as MTurk or a"
        " spreadsheet writes it)"
    )


def _of_spreadsheet(value: str, match: re.Match[str]) -> datetime:
    """The moment of a date in figures, if its day and month can be told apart."""
    first, dash, second, last, hour, minute, second_of_minute, half = match.groups()
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.upper() == "P" else 0) if 1 <= hours <= 12 else 24
    clock = hours, int(minute or 0), int(second_of_minute or 0)
    if len(first) == 4 and len(last) == 2:  # 2026/11/28
        dates = [(int(first), int(second), int(last))]
    elif len(first) <= 2:
        year = int(last) if len(last) == 4 else 2000 + int(last)
        dates = [(year, int(second), int(first))]
        if dash != ".":  # with points the day stands first everywhere
            dates.append((year, int(first), int(second)))
    else:
        dates = []
    moments = set()
    for date in dates:
        try:
            moments.add(datetime(*date, *clock, tzinfo=UTC))
        except ValueError:
            continue
    if len(moments) == 1:
        return moments.pop()
    if moments:
        one, other = (f"{moment:%Y-%m-%d}" for moment in sorted(moments))
        raise ValueError(
            f"{short(value)} may be {one} or {other}: write times as {one}T12:00:00Z (in a"
            " spreadsheet: the format yyyy-mm-dd hh:mm:ss)"
        )
    raise ValueError(f"{short(value)} is not a time: there is no such date or hour")


def _counted(value: str) -> tuple[datetime, str]:
    number = float(value)
    if SERIALS[0] <= number <= SERIALS[1]:
        moment = EPOCH_1900 + timedelta(seconds=round(number * 86_400))
        return moment, "a spreadsheet's days since 1899-12-30, in UTC"
    if SECONDS[0] <= number <= SECONDS[1]:
        return datetime.fromtimestamp(number, UTC), "seconds since 1970"
    if MILLISECONDS[0] <= number <= MILLISECONDS[1]:
        return datetime.fromtimestamp(number / 1000, UTC), "milliseconds since 1970"
    raise ValueError(f"{short(value)} is not a time, nor days or seconds that a program counts")
