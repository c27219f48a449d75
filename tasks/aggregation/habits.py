"""Habits of a worker that careful people seldom have; for a person to weigh (rule V4).

Thresholds are this project's own.
"""

from collections.abc import Iterator
from typing import Literal

from .flags import FAST, FAST_ANSWERS

LEAST = 40  # judgments, or main labels chosen, before a habit says anything
NEARLY_ALL = 0.95
STRAIGHT = 0.9  # of main labels that were the first offered; by chance a half or fewer

Habit = Literal["yes", "no", "line", "pace"]


def habits(
    selected: int | None,
    judged: int | None,
    first: int | None,
    mains: int | None,
    answers: int,
    pace: float | None,
) -> Iterator[tuple[Habit, str]]:
    """Which habits a worker's answers show, each with the figures as a sentence.

    `selected` of `judged` tiles (CONTAINS), the `first` label offered as the main one of `mains`
    (CLASSIFY), and the median of seconds / expected seconds over `answers`; None: not known.

    >>> list(habits(98, 100, None, None, 5, 0.9))
    [('yes', 'Selected 98 of 100 tiles.')]
    >>> list(habits(0, 100, None, None, 5, 0.1))
    [('no', 'Selected none of 100 tiles.'), ('pace', 'Took 10 % of the expected time (median of 5 HITs).')]
    >>> list(habits(None, None, 57, 60, 12, 1.2))
    [('line', 'Chose the first label offered as the main one of 57 pictures of 60.')]
    >>> list(habits(12, 100, None, None, 2, 0.1))
    []
    """  # noqa: E501
    if judged and judged >= LEAST and selected is not None:
        if selected >= NEARLY_ALL * judged:
            yield "yes", f"Selected {selected:,} of {judged:,} tiles."
        elif selected == 0:
            yield "no", f"Selected none of {judged:,} tiles."
    if mains and mains >= LEAST and first is not None and first >= STRAIGHT * mains:
        yield (
            "line",
            f"Chose the first label offered as the main one of {first:,} pictures of {mains:,}.",
        )
    if pace is not None and answers >= FAST_ANSWERS and pace < FAST:
        percent = f"{100 * pace:.0f}"
        yield "pace", f"Took {percent} % of the expected time (median of {answers:,} HITs)."
