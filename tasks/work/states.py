"""Derives the states of rounds and HITs from places and answers, so they cannot disagree.

The states of campaigns and assignments are stored: see tasks/models/transition.py.
"""

from collections.abc import Iterable
from typing import Any, cast

from django.db.models import Count, Q

from imagesets.clock import Now
from tasks.models import HIT, Campaign, Place

OPEN, WORKED_ON, IN_REVIEW, COMPLETE, NOT_OPENED, GIVEN_UP = (
    "open",  # a place is free
    "being worked on",  # every place is taken, some are not answered yet
    "in review",  # every place is answered, some answers are not reviewed
    "complete",  # all the used answers that the rounds so far want
    "not opened",
    "given up",  # no more answers are asked
)


def _state(free: int, running: int, waiting: int, places: int) -> str:
    if not places:
        return NOT_OPENED
    if free:
        return OPEN
    return WORKED_ON if running else IN_REVIEW if waiting else COMPLETE


def _counts() -> dict[str, Count]:
    return {
        "free": Count("pk", filter=Q(free_at__lte=Now())),
        "running": Count("pk", filter=Q(free_at__gt=Now())),
        "waiting": Count("pk", filter=Q(free_at=None, holder__outcome="", holder__imported=False)),
        "all": Count("pk"),
    }


Rows = Iterable[dict[str, Any]]


def hit_states(hits: Iterable[HIT]) -> dict[int, str]:
    """The state of each HIT, by id."""
    hits = list(hits)
    ids = [hit.pk for hit in hits if hit.given_up_at is None]
    states = {hit.pk: GIVEN_UP if hit.given_up_at else NOT_OPENED for hit in hits}
    places = Place.objects.filter(hit__in=ids).order_by()
    rows = cast(Rows, places.values("hit").annotate(**_counts()))
    for row in rows:
        states[row["hit"]] = _state(row["free"], row["running"], row["waiting"], row["all"])
    return states


def round_states(campaign: Campaign) -> dict[int, str]:
    """The state of each opened round, by number."""
    places = Place.objects.filter(campaign=campaign).order_by()
    rows = cast(Rows, places.values("round").annotate(**_counts()))
    return {
        row["round"]: _state(row["free"], row["running"], row["waiting"], row["all"])
        for row in rows
    }
