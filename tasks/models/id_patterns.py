"""Regular expressions that strangers' ids are held against: only such as end soon on any id.

Python's own matching tries every way to part a text among repeats inside of repeats, which doubles
with each character: "(\\w+-?)+" on 40 letters and a dot would keep the site busy for hours.
"""

import re
from collections.abc import Iterable
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

FEW = 10  # times that a part of no fixed length may be repeated


def wrong_with(pattern: str) -> str:
    """What is wrong with a pattern, as a sentence; "": nothing."""
    try:
        parsed = _parser.parse(pattern)
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"It is no regular expression: {error}."
    if _tries_for_ever(parsed):
        return (
            "It repeats a part of no fixed length, such as (a+)+ or (a|bc)*, which can take for"
            " ever on a strange id: repeat single characters, as in [A-Za-z0-9-]+."
        )
    return ""


def _tries_for_ever(parsed: Iterable[tuple[Any, Any]]) -> bool:
    for op, given in parsed:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT) and given[1] > FEW and _varies(given[2]):
            return True
        if any(_tries_for_ever(part) for part in _parts(op, given)):
            return True
    return False


def _varies(parsed: Iterable[tuple[Any, Any]]) -> bool:
    """Whether there is more than one way to match some text."""
    for op, given in parsed:
        if op == ops.BRANCH or (op in (ops.MAX_REPEAT, ops.MIN_REPEAT) and given[0] != given[1]):
            return True
        if any(_varies(part) for part in _parts(op, given)):
            return True
    return False


def _parts(op: Any, given: Any) -> list[Any]:
    """The patterns inside of one."""
    if op == ops.BRANCH:
        return list(given[1])
    found = given if isinstance(given, tuple) else [given]
    return [part for part in found if isinstance(part, _parser.SubPattern)]
