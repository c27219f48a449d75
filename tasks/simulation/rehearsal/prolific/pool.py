"""The people whom the stand-in for Prolific says it has, and which of them pass filters."""

from collections.abc import Callable, Mapping
from typing import Any

from tasks.simulation.rehearsal.prolific.errors import wrong

PEOPLE = 4_000
HIDDEN_BELOW = 25  # smaller numbers are told as 0
# What a person answered, by filter; the numbers and values follow from the person's number.
ANSWERS: dict[str, Callable[[int], Any]] = {
    "age": lambda person: 18 + person % 53,
    "sex": lambda person: str(person % 2),
    "handedness": lambda person: ("0", "0", "0", "0", "1", "2")[person % 6],
    "approval_rate": lambda person: 80 + person % 21,
}


def count(filters: list[Mapping[str, Any]]) -> int:
    """How many pass all of the filters. Raises Fault for one that does not exist."""
    check(filters)
    number = sum(all(_passes(person, each) for each in filters) for person in range(PEOPLE))
    return number if number >= HIDDEN_BELOW else 0


def check(filters: list[Mapping[str, Any]]) -> None:
    """Raises Fault for a filter that does not exist, or is asked for another kind of answer."""
    for each in filters:
        name = each["filter_id"]
        if "selected_filters" in each:
            if name not in ("and", "or"):
                raise wrong(f"filters: {name} is no group")
            check(each["selected_filters"])
        elif name not in ANSWERS:
            raise wrong(f"filters: there is no filter {name}")
        elif isinstance(ANSWERS[name](0), str) != ("selected_values" in each):
            raise wrong(f"filters: {name} is asked otherwise")


def _passes(person: int, given: Mapping[str, Any]) -> bool:
    if inside := given.get("selected_filters"):
        of = all if given["filter_id"] == "and" else any
        return of(_passes(person, each) for each in inside)
    answer = ANSWERS[given["filter_id"]](person)
    if "selected_values" in given:
        return answer in given["selected_values"]
    asked = given["selected_range"]
    lower, upper = asked.get("lower"), asked.get("upper")
    return (lower is None or answer >= lower) and (upper is None or answer <= upper)
