"""Taking expired work up again while a place for it is free (rule P15)."""

from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from imagesets.clock import Now
from tasks.crowds import crowd_of
from tasks.models import Assignment, Stop, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.work.drafts import place_is_left
from tasks.work.sessions import Standing, keep_with, standing_of
from tasks.work.submitting import place_for


class Obstacle(StrEnum):
    """Why a worker cannot take their expired work up again."""

    PAUSED = "paused"
    BUSY = "busy"  # with another HIT of the campaign
    GONE = "gone"


def obstacle(assignment: Assignment) -> Obstacle | None:
    """What keeps the worker from taking the work up again, if anything; changes nothing."""
    if (reason := _obstacle_to_more(assignment)) is not None:
        return reason
    return None if place_is_left(assignment) else Obstacle.GONE


def take_up_again(assignment: Assignment) -> bool:
    """Keep the work for its worker once more, on its own place or another free one of its HIT.

    It is the same assignment, so that its draft still fits. False: something keeps them from it.
    """
    campaign = assignment.campaign
    with transaction.atomic():
        worker = Worker.objects.select_for_update().get(pk=assignment.worker_id)
        campaign.refresh_from_db(fields=["state"])
        if _obstacle_to_more(assignment) is not None:
            return False
        for other in _others_open(assignment):
            other.become("the clock", state=AssignmentState.EXPIRED)
        standing = Standing.PART
        if assignment.session is not None:
            standing = standing_of(assignment, assignment.session, campaign)
            if standing == Standing.TOO_LATE:
                return False
        place = place_for(assignment, campaign)
        locked = Assignment.objects.select_for_update().annotate(now=Now()).get(pk=assignment.pk)
        live = locked.state in (AssignmentState.OPEN, AssignmentState.EXPIRED)
        if place is None or locked.submitted_at is not None or not live:
            return False
        if locked.expires_at is None or locked.expires_at > locked.now:
            return True  # taken up a moment ago
        why = "taken up again"
        locked.become(worker.pseudonym, why, state=AssignmentState.OPEN, save=False)
        locked.expires_at = locked.now + crowd_of(campaign).time_allowed(campaign, assignment.hit)
        locked.is_extra = standing == Standing.EXTRA
        locked.save(update_fields=["state", "expires_at", "is_extra"])
        place.holder, place.free_at = locked, locked.expires_at
        place.save(update_fields=["holder", "free_at"])
        keep_with(locked)
        return True


def _obstacle_to_more(assignment: Assignment) -> Obstacle | None:
    """What keeps the worker from any more work of the campaign."""
    campaign, worker = assignment.campaign, assignment.worker
    if assignment.session is not None and not assignment.session.is_running:
        return Obstacle.GONE
    if campaign.state == State.PAUSED:
        return Obstacle.PAUSED
    if campaign.state != State.OPEN:
        return Obstacle.GONE
    if _others_open(assignment).exclude(expires_at__lte=Now()).exists():
        return Obstacle.BUSY
    door = crowd_of(campaign).door
    if door is None or door.barred(campaign, worker):
        return Obstacle.GONE
    stopped = Stop.objects.filter(campaign=campaign, worker=worker).exists()
    return Obstacle.GONE if stopped else None


def _others_open(assignment: Assignment) -> QuerySet[Assignment]:
    """The worker's other assignments of the campaign that are open, be their time over or not."""
    return Assignment.objects.filter(
        campaign=assignment.campaign_id, worker=assignment.worker_id, state=AssignmentState.OPEN
    ).exclude(pk=assignment.pk)
