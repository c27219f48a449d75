"""Habits of a worker that careful people seldom have; for a person to weigh (rule V4).

Thresholds are this project's own.
"""

from .flags import FAST, FAST_ANSWERS

LEAST = 40  # judgments, or main labels chosen, before a habit says anything
NEARLY_ALL = 0.95
STRAIGHT = 0.9  # of main labels that were the first offered; by chance a half or fewer


def habits(
    selected: int | None,
    judged: int | None,
    first: int | None,
    mains: int | None,
    answers: int,
    pace: float | None,
) -> list[str]:
    """Which habits a worker's answers show, each as a few words with its figures.

    `selected` of `judged` tiles (CONTAINS), the `first` label offered as the main one of `mains`
    (CLASSIFY), and the median of seconds / expected seconds over `answers`; None: not known.

    >>> habits(98, 100, None, None, 5, 0.9)
    ['nearly all yes (98 of 100)']
    >>> habits(0, 100, None, None, 5, 0.1)
    ['nothing selected (0 of 100)', 'too fast (10 % of the expected time)']
    >>> habits(None, None, 57, 60, 12, 1.2)
    ['nearly always the first label (57 of 60)']
    >>> habits(12, 100, None, None, 2, 0.1)
    []
    """
    seen = []
    if judged and judged >= LEAST and selected is not None:
        if selected >= NEARLY_ALL * judged:
            seen.append(f"nearly all yes ({selected:,} of {judged:,})")
        elif selected == 0:
            seen.append(f"nothing selected (0 of {judged:,})")
    if mains and mains >= LEAST and first is not None and first >= STRAIGHT * mains:
        seen.append(f"nearly always the first label ({first:,} of {mains:,})")
    if pace is not None and answers >= FAST_ANSWERS and pace < FAST:
        seen.append(f"too fast ({100 * pace:.0f} % of the expected time)")
    return seen
