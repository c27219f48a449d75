"""Stores a worker's answer, once, on the place that it may take (rules P3, P4, P9)."""

from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django.db.models import Q, QuerySet

from imagesets.clock import Now
from tasks import money
from tasks.crowds import crowd_of
from tasks.models import Assignment, Campaign, Place, Session, Stop, Worker
from tasks.models.assignment import AssignmentState, MarketState, Outcome
from tasks.work.drafts import forget
from tasks.work.reporting import keep_reports
from tasks.work.rounds import free, go_on_if_answered
from tasks.work.sessions import Standing, standing_of


@dataclass(frozen=True)
class Submitted:
    """What became of an answer.

    stored: it is used, or set aside with its worker. repeated: the assignment had an answer before,
    and nothing changed. late: it is kept but not used, because the assignment had expired and its
    place was taken, or because its session had ended.
    """

    status: Literal["stored", "repeated", "late"]
    assignment: Assignment


FACTS = (
    *("submitted_at", "wall_seconds", "for_person", "state", "outcome", "set_aside"),
    "is_extra",
)
ANSWER: tuple[str, ...] = (
    *("selected", "maybe", "unseen", "answers", "comment", "active_seconds", "hand"),
    *("language", "device", "viewport", "cards", "zooms", "changes"),  # its conditions
)


def submit(assignment: Assignment, answer: dict[str, Any]) -> Submitted:
    """Store a valid answer, once, in one transaction.

    `answer`: for CONTAINS lists of positions `selected`, `maybe`, `unseen`; for CLASSIFY `answers`
    in the order of `shown`; optionally `comment`, `active_seconds`, `hand`, its conditions, and
    `reports`: {position: reason}.
    """
    with transaction.atomic():
        worker = Worker.objects.select_for_update().get(pk=assignment.worker_id)
        stopped = Stop.objects.filter(campaign=assignment.campaign_id, worker=worker).exists()
        hit, session, standing = assignment.hit, None, Standing.PART
        if assignment.session_id is not None:
            session = Session.objects.get(pk=assignment.session_id)
        is_test = session is not None and session.is_test  # never used
        campaign, for_person = _campaign_for(assignment.campaign, stopped or is_test)
        if session is not None:
            standing = standing_of(assignment, session, campaign)
        place = place_for(assignment, campaign) if standing != Standing.TOO_LATE else None
        locked = Assignment.objects.select_for_update().annotate(now=Now())
        assignment = locked.get(pk=assignment.pk)
        assignment.campaign, assignment.worker, assignment.hit = campaign, worker, hit
        assignment.session, assignment.is_extra = session, standing == Standing.EXTRA
        if assignment.submitted_at is not None:
            return Submitted("repeated", assignment)
        forget(assignment)
        if "reports" in answer:
            keep_reports(assignment, answer["reports"])
        answered = [field for field in ANSWER if field in answer]
        for field in answered:
            setattr(assignment, field, answer[field])
        assignment.submitted_at = assignment.now
        assignment.wall_seconds = (assignment.now - assignment.opened_at).total_seconds()
        assignment.for_person = for_person and place is not None
        who = worker.pseudonym
        if place is None:
            ended = standing == Standing.TOO_LATE
            why = "its session has ended" if ended else "its place was taken"
            assignment.become(who, why, state="expired", save=False)
            assignment.save(update_fields=[*FACTS, *answered])
            return Submitted("late", assignment)
        unused = stopped or is_test
        assignment.become(who, state="submitted", set_aside=unused, save=False)
        if crowd_of(campaign).accepts_at_once and not assignment.for_person:
            why = "accepted as it is stored"
            assignment.become("review", why, outcome=Outcome.ACCEPTED, save=False)
            money.owe([assignment])
        assignment.save(update_fields=[*FACTS, *answered])
        if unused:
            why = "its session is a test" if is_test else "its worker was set aside"
            free(campaign, Place.objects.filter(pk=place.pk), "review", why)
        else:
            place.holder, place.free_at = assignment, None
            place.save(update_fields=["holder", "free_at"])
    go_on_if_answered(campaign)
    return Submitted("stored", assignment)


def _campaign_for(campaign: Campaign, stopped: bool) -> tuple[Campaign, bool]:
    """The campaign, and whether the answer belongs to the sample that a person reviews.

    The campaign's row is locked only where the answer changes more than its own place: a stopped
    worker's answer frees one, and the sample must not outgrow its size.
    """
    campaign.refresh_from_db(fields=["state", "review_sample"])
    sample = Assignment.objects.filter(campaign=campaign, for_person=True)
    wanted = campaign.review_sample or 0
    filling = wanted > 0 and sample.count() < wanted
    if stopped or filling:
        campaign = Campaign.locked(campaign.pk)
    return campaign, filling and sample.count() < wanted


def place_for(assignment: Assignment, campaign: Campaign) -> Place | None:
    """The place that an answer may take, locked: its own, or after expiry any free one of its HIT.

    A marketplace gives out the places itself, so if the site sees none free, the marketplace has
    reclaimed one without notice: the assignment opened first makes room, then the oldest answer not
    reported (rule P9). None if no place is left, if the worker has another assignment of the HIT
    (rule P4), or if the marketplace has taken the work from them. The caller holds the lock on the
    worker's row.
    """
    market_decides = crowd_of(campaign).gives_places
    taken_away = Assignment.objects.filter(
        pk=assignment.pk, market_state__in=[MarketState.RETURNED, MarketState.EXPIRED]
    )
    if market_decides and taken_away.exists():
        return None
    places = Place.objects.select_for_update(of=("self",)).filter(hit=assignment.hit_id)
    own = places.filter(holder=assignment).first()
    twice = Assignment.objects.filter(
        hit=assignment.hit_id,
        worker=assignment.worker_id,
        state__in=[AssignmentState.OPEN, AssignmentState.SUBMITTED],
    ).exclude(pk=assignment.pk)
    if twice.exists():  # the other one counts; this place stays free
        return None
    if own is not None:
        return own
    unlocked = Place.objects.select_for_update(of=("self",), skip_locked=True)
    unlocked = unlocked.filter(hit=assignment.hit_id)
    place = unlocked.filter(free_at__lte=Now()).first()
    if place is None and market_decides:
        place = unlocked.filter(free_at__isnull=False).order_by("holder__opened_at").first()
        if place is None:
            place = _never_handed_in(unlocked.filter(UNREPORTED, free_at=None))
    return place


# Answers that the marketplace has not reported: they may never have been handed in.
UNREPORTED = Q(
    holder__market_state=MarketState.UNREPORTED,
    holder__outcome=Outcome.NONE,
    holder__imported=False,
)


def _never_handed_in(unreported: QuerySet[Place]) -> Place | None:
    """The place of the oldest answer that the marketplace has not reported; that answer expires.

    If it is handed in after all, it takes such a place in its turn.
    """
    place = unreported.order_by("holder__submitted_at").first()
    if place is None or place.holder_id is None:
        return None
    holder = Assignment.objects.select_for_update().get(pk=place.holder_id)
    if holder.market_state or holder.outcome:  # reported or reviewed just now
        return None
    holder.become(
        "the marketplace", "never handed in on the marketplace", state=AssignmentState.EXPIRED
    )
    return place
