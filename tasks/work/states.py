"""The states of rounds and HITs: they follow from places and answers, so they cannot disagree.

The states of campaigns and assignments are stored; their moves are in tasks/models/transition.py.
"""

from collections.abc import Iterable
from typing import Any, cast

from django.db.models import Count, Q
from django.utils import timezone

from tasks.models import HIT, Campaign, Place

OPEN, WORKED_ON, IN_REVIEW, COMPLETE, NOT_OPENED = (
    "open",  # a place is free
    "being worked on",  # every place is taken, some without an answer yet
    "in review",  # every place has its answer, some not reviewed
    "complete",  # as many used answers as the rounds so far want
    "not opened",
)


def _state(free: int, running: int, waiting: int, places: int) -> str:
    if not places:
        return NOT_OPENED
    if free:
        return OPEN
    return WORKED_ON if running else IN_REVIEW if waiting else COMPLETE


def _counts() -> dict[str, Count]:
    now = timezone.now()
    return {
        "free": Count("pk", filter=Q(free_at__lte=now)),
        "running": Count("pk", filter=Q(free_at__gt=now)),
        "waiting": Count("pk", filter=Q(free_at=None, holder__outcome="", holder__imported=False)),
        "all": Count("pk"),
    }


Rows = Iterable[dict[str, Any]]


def hit_states(hits: Iterable[HIT]) -> dict[int, str]:
    """The state of each HIT, by id."""
    ids = [hit.pk for hit in hits]
    found = dict.fromkeys(ids, NOT_OPENED)
    places = Place.objects.filter(hit__in=ids).order_by()
    rows = cast(Rows, places.values("hit").annotate(**_counts()))
    for row in rows:
        found[row["hit"]] = _state(row["free"], row["running"], row["waiting"], row["all"])
    return found


def round_states(campaign: Campaign) -> dict[int, str]:
    """The state of each round that was opened, by number."""
    places = Place.objects.filter(campaign=campaign).order_by()
    rows = cast(Rows, places.values("round").annotate(**_counts()))
    return {
        row["round"]: _state(row["free"], row["running"], row["waiting"], row["all"])
        for row in rows
    }
