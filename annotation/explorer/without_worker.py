"""What setting a worker aside would change in a campaign's results, before it is done.

CONTAINS: the stored counts of the pairs that they judged, less their own answers. CLASSIFY: their
images' objects from all used answers, and from those of the others. Either is work in proportion to
what they did.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count

from annotation.explorer.changed_images import changed_images
from annotation.explorer.changed_pairs import changed_pairs
from annotation.explorer.changes import Changes
from tasks.crowds import crowd_of
from tasks.models import Assignment, Campaign, Place, Run, Worker
from tasks.models.assignment import USED, AssignmentState, Outcome
from tasks.models.campaign import Kind


@dataclass(frozen=True)
class Places:
    """The places that open again, and what asking others costs."""

    number: int
    price: str  # of asking others for so many answers
    state: str  # of the campaign: what becomes of them
    in_budget: bool  # the campaign has a budget, beyond which places are given up


@dataclass(frozen=True)
class Effect:
    """All of it. `later`: used answers that the last aggregation has not seen."""

    answers: int  # that would leave
    used: int  # of these, that count in results
    later: int
    run: Run | None
    changes: list[Changes]
    places: Places


def effect_of(campaign: Campaign, worker: Worker) -> Effect:
    """What set_aside (tasks/work/stops.py) would change, as the last aggregation left it."""
    theirs = Assignment.objects.filter(campaign=campaign, worker=worker)
    leaving = theirs.filter(state=AssignmentState.SUBMITTED, set_aside=False).exclude(
        outcome=Outcome.REJECTED
    )
    run = campaign.runs.first()
    counted = theirs.filter(USED)
    seen = counted.none() if run is None else _seen(counted, run)
    changes: list[Changes] = []
    ids = list(seen.values_list("pk", flat=True))
    if run is not None and ids:
        if campaign.kind == Kind.CONTAINS:
            changes = changed_pairs(campaign, ids)
        else:
            changes = changed_images(campaign, worker, ids, run)
    number = counted.count()
    return Effect(
        leaving.count(), number, number - len(ids), run, changes, _places(campaign, leaving)
    )


def _seen(answers: Any, run: Run) -> Any:
    """Those that were as they are now when the run began."""
    return answers.filter(submitted_at__lte=run.started_at).exclude(
        transitions__at__gt=run.started_at
    )


def _places(campaign: Campaign, leaving: Any) -> Places:
    crowd, number, cost = crowd_of(campaign), 0, Decimal(0)
    held = Place.objects.filter(holder__in=leaving).values_list("hit__reward").order_by()
    for reward, places in held.annotate(Count("pk")):
        number += places
        cost += (reward + crowd.fee(reward)) * places
    return Places(number, campaign.as_money(cost), campaign.state, campaign.budget is not None)
