"""How far a campaign is: its places by round, its answers, and who gave them."""

from dataclasses import dataclass

from django.db.models import Count, Q

from imagesets.clock import database_now
from tasks.models import Assignment, Campaign, Place
from tasks.models.assignment import USED


@dataclass(frozen=True)
class Round:
    """The places of one round, by state."""

    number: int
    answered: int
    running: int
    free: int

    @property
    def places(self) -> int:
        return self.answered + self.running + self.free


@dataclass(frozen=True)
class Progress:
    """How far a campaign is: its places by round, its answers, and who gave them."""

    rounds: list[Round]
    workers: int
    used: int
    set_aside: int
    late: int


def count_progress(campaign: Campaign) -> Progress:
    """A campaign's progress, counted from its places and assignments as they are now."""
    now = database_now()
    places = (
        Place.objects.filter(campaign=campaign)
        .values("round")
        .order_by("round")
        .annotate(
            answered=Count("pk", filter=Q(free_at=None)),
            running=Count("pk", filter=Q(free_at__gt=now)),
            free=Count("pk", filter=Q(free_at__lte=now)),
        )
    )
    answers = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False).aggregate(
        workers=Count("worker", distinct=True),
        used=Count("pk", filter=USED),
        set_aside=Count("pk", filter=Q(set_aside=True)),
        late=Count("pk", filter=Q(state="expired")),
    )
    return Progress(
        rounds=[Round(p["round"], p["answered"], p["running"], p["free"]) for p in places],
        **answers,
    )
