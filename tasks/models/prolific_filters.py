"""Prolific's filters: what its API takes, what nobody could pass, and how they read.

A filter names values or a range; a group of them is a filter too: `and` (all of them) or `or` (one
of them), and may stand in another group. The list itself means all of them. Pure data.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

GROUPS = ("and", "or")
KINDS = ("selected_values", "selected_range", "selected_filters")
DEEPEST = 8  # groups in each other
LONGEST = 200  # characters of an id
Wrong = tuple[str, str]  # where, with dots, and a sentence

SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["filter_id"],
        "properties": {
            "filter_id": {"type": "string", "maxLength": LONGEST},
            "selected_values": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "selected_range": {
                "type": "object",
                "properties": {
                    bound: {"oneOf": [{"type": "number"}, {"type": "string"}], "nullable": True}
                    for bound in ("lower", "upper")
                },
                "additionalProperties": False,
            },
            "selected_filters": {"type": "array", "items": {"type": "object"}, "minItems": 1},
            "weightings": {"type": "object"},
        },
        "additionalProperties": False,
    },
}


def wrong_filters(filters: Any) -> Wrong | None:
    """The first thing that is wrong with a list of filters; None: nothing is."""
    if not isinstance(filters, list):
        return "", "Must be a list of filters."
    return next(_of_list(filters, "", joined=True, depth=0), None)


def _of_list(filters: list[Any], path: str, joined: bool, depth: int) -> Iterator[Wrong]:
    """`joined`: all of them must be passed, not one."""
    for number, given in enumerate(filters):
        yield from _of_filter(given, f"{path}{number}", depth)
    if joined:
        yield from _excluded(filters, path)


def _of_filter(given: Any, path: str, depth: int) -> Iterator[Wrong]:
    if not isinstance(given, Mapping):
        yield path, "Must be an object with a filter_id."
        return
    if unknown := sorted(given.keys() - {"filter_id", "weightings", *KINDS}):
        yield f"{path}.{unknown[0]}", "No filter has such a part."
    name = given.get("filter_id")
    if not _is_id(name):
        yield f"{path}.filter_id", "Must name a filter, or be and or or for a group of filters."
        return
    if name in GROUPS:
        yield from _of_group(given, path, depth)
        return
    kinds = [kind for kind in KINDS if kind in given]
    if kinds not in (["selected_values"], ["selected_range"]):
        what = "selected_filters is for a group, whose filter_id is and or or: give"
        what = what if "selected_filters" in kinds else "Give"
        yield path, f"{what} either selected_values or selected_range."
    elif kinds == ["selected_values"]:
        yield from _of_values(given, path)
    else:
        yield from _of_range(given["selected_range"], f"{path}.selected_range")
        yield from _of_range_weightings(given, path)


def _of_group(given: Mapping[str, Any], path: str, depth: int) -> Iterator[Wrong]:
    for kind in (*KINDS[:2], "weightings"):
        if kind in given:
            yield f"{path}.{kind}", "A group has none: its filters stand in selected_filters."
    inside = given.get("selected_filters")
    if not isinstance(inside, list) or not inside:
        yield f"{path}.selected_filters", "Must be a list of at least one filter."
    elif depth == DEEPEST:
        yield path, f"Groups can stand in each other {DEEPEST} deep."
    else:
        joined = given["filter_id"] == "and"
        yield from _of_list(inside, f"{path}.selected_filters.", joined, depth + 1)


def _of_values(given: Mapping[str, Any], path: str) -> Iterator[Wrong]:
    values = given["selected_values"]
    if not isinstance(values, list) or not values or not all(map(_is_id, values)):
        yield f"{path}.selected_values", 'Must be a list of ids as texts, such as ["0", "2"].'
    elif len(set(values)) < len(values):
        yield f"{path}.selected_values", "A value stands in it twice."
    weights = given.get("weightings", {"": 1})
    if not isinstance(weights, Mapping) or not _weighted(weights.values()):
        yield f"{path}.weightings", 'Must give weights by value, such as {"0": 1, "2": 3}.'


def _of_range(given: Any, path: str) -> Iterator[Wrong]:
    known = isinstance(given, Mapping) and given.keys() <= {"lower", "upper"}
    bounds = [bound for bound in given.values() if bound is not None] if known else []
    if not bounds or not all(map(_is_bound, bounds)):
        yield path, "Must give lower, upper or both, as numbers or dates (YYYY-MM-DD)."
    elif len({isinstance(bound, str) for bound in bounds}) > 1:
        yield path, "Its bounds must both be numbers or both dates."
    elif len(bounds) == 2 and given["lower"] > given["upper"]:
        yield path, f"Nobody is from {given['lower']} to {given['upper']}."


def _of_range_weightings(given: Mapping[str, Any], path: str) -> Iterator[Wrong]:
    if "weightings" not in given:
        return
    weightings = given["weightings"]
    parts = list(weightings.values()) if isinstance(weightings, Mapping) else []
    whole = all(
        isinstance(part, Mapping) and part.keys() == {"selected_range", "weighting"}
        for part in parts
    )
    if not whole or not _weighted(part["weighting"] for part in parts):
        yield f"{path}.weightings", "Must give parts, each of a selected_range and a weighting."
        return
    for name, part in weightings.items():
        yield from _of_range(part["selected_range"], f"{path}.weightings.{name}.selected_range")


def _weighted(weights: Any) -> bool:
    """Whether they are numbers, none below 0 and not all 0."""
    numbers = list(weights)
    each = all(_is_number(weight) and weight >= 0 for weight in numbers)
    return each and any(numbers)


def _excluded(filters: list[Any], path: str) -> Iterator[Wrong]:
    """Ranges of one filter that all must pass and nobody can."""
    seen: dict[str, tuple[int, Any]] = {}
    for number, given in enumerate(filters):
        if "selected_range" not in given:
            continue
        before = seen.setdefault(given["filter_id"], (number, given["selected_range"]))
        if not _meet(before[1], given["selected_range"]):
            yield (
                f"{path}{number}",
                f"Nobody passes this and the one at {path}{before[0]}: put both in a group whose"
                " filter_id is or.",
            )


def _meet(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    lower = [each["lower"] for each in (one, other) if each.get("lower") is not None]
    upper = [each["upper"] for each in (one, other) if each.get("upper") is not None]
    try:
        return not lower or not upper or max(lower) <= min(upper)
    except TypeError:  # dates and numbers: Prolific says which are wrong
        return True


def _is_id(given: Any) -> bool:
    return isinstance(given, str) and 0 < len(given.strip()) <= LONGEST


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _is_bound(given: Any) -> bool:
    if not isinstance(given, str):
        return _is_number(given)
    try:
        date.fromisoformat(given[:10])
    except ValueError:
        return False
    return True


def in_words(filters: list[dict[str, Any]]) -> str:
    """Filters that are right, as a clause: age from 18 to 30, and (sex 1, or handedness 0 or 2)."""
    return _joined(filters, "and", inside=False)


def _joined(filters: list[dict[str, Any]], word: str, inside: bool) -> str:
    """`inside`: it stands among others."""
    alone = len(filters) == 1
    text = f", {word} ".join(_one_in_words(each, inside or not alone) for each in filters)
    return f"({text})" if inside and not alone else text


def _one_in_words(given: dict[str, Any], inside: bool) -> str:
    name = given["filter_id"]
    if name in GROUPS:
        return _joined(given["selected_filters"], name, inside)
    weights = ", weighted" if "weightings" in given else ""
    if "selected_values" in given:
        return f"{name} {' or '.join(given['selected_values'])}{weights}"
    return f"{name}{_range_in_words(given['selected_range'])}{weights}"


def _range_in_words(given: Mapping[str, Any]) -> str:
    lower, upper = given.get("lower"), given.get("upper")
    return "".join(
        f" {word} {bound}" for word, bound in (("from", lower), ("to", upper)) if bound is not None
    )
