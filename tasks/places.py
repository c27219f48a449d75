"""Places: who gets which HIT, and what becomes of the answer (SCIENCE: rules 2 to 8).

Locks are taken in one order everywhere: worker, campaign, place, assignment. A claim changes places
only (never another worker's assignment), so that two claims cannot wait for each other.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db import connection, transaction
from django.utils import timezone

from tasks.crowds import crowd_of
from tasks.layout import shown_order
from tasks.models import HIT, Assignment, Campaign, HITItem, Place, Stop, Transition, Worker
from tasks.models.assignment import AssignmentState, Outcome
from tasks.models.campaign import State

SHUFFLES = 2**31


def next_assignment(campaign: Campaign, worker: Worker) -> Assignment | None:
    """The worker's running assignment, or a new one on a free place; None: nothing for him.

    Opens the next round where the worker may go on but finds no place that he may take (rule 2).
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        now = timezone.now()
        running = Assignment.objects.filter(
            campaign=campaign, worker=worker, state=AssignmentState.OPEN
        ).select_related("hit")
        for assignment in running:
            if assignment.expires_at is None or assignment.expires_at > now:
                return assignment
        running.update(state=AssignmentState.EXPIRED)
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            return None
        while True:
            campaign.refresh_from_db(fields=["state", "round", "target"])
            if campaign.state != State.OPEN:
                return None
            place = _claim(campaign, worker)
            if place is not None:
                return _open_assignment(campaign, worker, place)
            if not _has_unanswered_hit(campaign, worker) or not open_round(
                campaign, campaign.round, who=worker.pseudonym
            ):
                break
    finish_if_done(campaign)
    return None


# Places of one round from a random shuffle on; the worker's own HITs are passed over.
_CLAIM = """
    SELECT p.id FROM tasks_place p
    WHERE p.campaign_id = %(campaign)s AND p.round = %(round)s
      AND p.shuffle >= %(start)s AND p.shuffle < %(end)s AND p.free_at <= statement_timestamp()
      AND NOT EXISTS (
        SELECT FROM tasks_assignment a WHERE a.hit_id = p.hit_id
          AND a.worker_id = %(worker)s AND a.state IN ('open', 'submitted'))
    ORDER BY p.shuffle LIMIT 1 FOR UPDATE OF p SKIP LOCKED
"""


def _claim(campaign: Campaign, worker: Worker) -> Place | None:
    """A free place that the worker may take, locked; those of earlier rounds first."""
    with connection.cursor() as cursor:
        for number in range(1, campaign.round + 1):
            start = random.randrange(SHUFFLES)
            for first, last in ((start, SHUFFLES), (0, start)):
                cursor.execute(
                    _CLAIM,
                    {
                        "campaign": campaign.pk,
                        "worker": worker.pk,
                        "round": number,
                        "start": first,
                        "end": last,
                    },
                )
                if row := cursor.fetchone():
                    return Place.objects.select_related("hit").get(pk=row[0])
    return None


def _open_assignment(campaign: Campaign, worker: Worker, place: Place) -> Assignment:
    """Give a claimed place to the worker, with sections and tiles in an order of their own."""
    now = timezone.now()
    sections = list(
        HITItem.objects.filter(hit=place.hit).order_by("position").values_list("section", flat=True)
    )
    if campaign.kind == "classify":
        sections = [0] * len(sections)
    assignment = Assignment.objects.create(
        campaign=campaign,
        hit=place.hit,
        worker=worker,
        round=place.round,
        opened_at=now,
        expires_at=now + crowd_of(campaign).time_allowed(campaign, place.hit),
        shown=shown_order(sections, random.Random()),
    )
    place.holder = assignment
    place.free_at = assignment.expires_at
    place.save(update_fields=["holder", "free_at"])
    return assignment


def _has_unanswered_hit(campaign: Campaign, worker: Worker) -> bool:
    """Whether any HIT is left that the worker has not answered: would another round help him?"""
    answered = Assignment.objects.filter(
        campaign=campaign,
        worker=worker,
        state__in=[AssignmentState.OPEN, AssignmentState.SUBMITTED],
    )
    return HIT.objects.filter(campaign=campaign).exclude(pk__in=answered.values("hit")).exists()


def open_round(campaign: Campaign, after: int, who: str) -> bool:
    """Raise the target by `round_size`, up to R: that many more places on every HIT (rule 2).

    `after` is the round that the caller saw as the newest: if somebody has opened one meanwhile,
    nothing is opened. Returns whether there is a newer round now.
    """
    with transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if locked.round > after:
            return True
        target = min(locked.target + locked.round_size, locked.workers_per_item)
        if target == locked.target:
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO tasks_place (campaign_id, hit_id, round, shuffle, free_at)
                SELECT h.campaign_id, h.id, %s, floor(random() * %s)::int, statement_timestamp()
                FROM tasks_hit h, generate_series(1, %s) WHERE h.campaign_id = %s
                """,
                [locked.round + 1, SHUFFLES, target - locked.target, locked.pk],
            )
        Transition.objects.create(
            campaign=locked,
            subject="round",
            before=str(locked.round),
            after=str(locked.round + 1),
            who=who,
            why=f"{target} used answers a HIT",
        )
        locked.round += 1
        locked.target = target
        locked.save(update_fields=["round", "target"])
        crowd_of(locked).offer(locked)
        return True


@dataclass(frozen=True)
class Submitted:
    """What became of an answer.

    stored: used, or set aside with its worker. repeated: there was one already, nothing changed.
    late: kept but not used, since its place was taken after it had expired.
    """

    status: Literal["stored", "repeated", "late"]
    assignment: Assignment


def submit(assignment: Assignment, answer: dict[str, Any]) -> Submitted:
    """Store a valid answer, once, in one transaction.

    `answer`: for CONTAINS lists of positions `selected`, `maybe`, `unseen`; for CLASSIFY `answers`
    in the order of `shown`; optionally `comment` and `active_seconds`.
    """
    with transaction.atomic():
        place = _place_for(assignment)
        assignment = (
            Assignment.objects.select_for_update(of=("self",))
            .select_related("campaign", "hit", "worker")
            .get(pk=assignment.pk)
        )
        if assignment.submitted_at is not None:
            return Submitted("repeated", assignment)
        now = timezone.now()
        for field in ("selected", "maybe", "unseen", "answers", "comment", "active_seconds"):
            if field in answer:
                setattr(assignment, field, answer[field])
        assignment.submitted_at = now
        assignment.wall_seconds = (now - assignment.opened_at).total_seconds()
        campaign = assignment.campaign
        if place is None:
            assignment.state = AssignmentState.EXPIRED
            assignment.save()
            return Submitted("late", assignment)
        assignment.state = AssignmentState.SUBMITTED
        stopped = Stop.objects.filter(campaign=campaign, worker=assignment.worker_id).exists()
        if stopped:
            assignment.set_aside = True
            place.holder, place.free_at = None, now
        else:
            place.holder, place.free_at = assignment, None
        if crowd_of(campaign).accepts_at_once:
            assignment.outcome = Outcome.ACCEPTED
        assignment.save()
        place.save(update_fields=["holder", "free_at"])
    finish_if_done(campaign)
    return Submitted("stored", assignment)


def _place_for(assignment: Assignment) -> Place | None:
    """The place that an answer may take, locked: its own, or after expiry any free one of its HIT.

    None where there is none, or where the worker has another answer to the HIT (rules 4 and 5).
    """
    Worker.objects.select_for_update().get(pk=assignment.worker_id)
    places = Place.objects.select_for_update(of=("self",))
    own = places.filter(holder=assignment).first()
    if own is not None:
        return own
    twice = Assignment.objects.filter(
        hit=assignment.hit_id,
        worker=assignment.worker_id,
        state__in=[AssignmentState.OPEN, AssignmentState.SUBMITTED],
    ).exclude(pk=assignment.pk)
    if twice.exists():
        return None
    free = Place.objects.select_for_update(of=("self",), skip_locked=True)
    return free.filter(hit=assignment.hit_id, free_at__lte=timezone.now()).first()


def renew(assignment: Assignment) -> None:
    """A sign of life (a saved choice): the place stays the worker's for its time again (rule 5)."""
    with transaction.atomic():
        place = Place.objects.select_for_update().filter(holder=assignment).first()
        locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if place is None or place.free_at is None or locked.state != AssignmentState.OPEN:
            return
        campaign = locked.campaign
        until = min(
            timezone.now() + crowd_of(campaign).time_allowed(campaign, locked.hit),
            locked.opened_at + timedelta(minutes=campaign.assignment_minutes),
        )
        locked.expires_at = place.free_at = max(until, place.free_at)
        locked.save(update_fields=["expires_at"])
        place.save(update_fields=["free_at"])


def give_back(assignment: Assignment) -> bool:
    """The worker returns the HIT unanswered: its place is free at once. False: it was not open."""
    with transaction.atomic():
        Place.objects.filter(holder=assignment, free_at__isnull=False).update(
            holder=None, free_at=timezone.now()
        )
        return bool(
            Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.OPEN).update(
                state=AssignmentState.RETURNED
            )
        )


def set_aside(campaign: Campaign, worker: Worker, reason: str, who: str) -> int:
    """Take a worker's answers out of the campaign's results and give him no more work (rule 7).

    His places are free again at once; what he has open he may finish. Returns how many answers.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        _, new = Stop.objects.get_or_create(
            campaign=locked, worker=worker, defaults={"reason": reason}
        )
        if not new:
            return 0
        answers = Assignment.objects.filter(
            campaign=locked, worker=worker, state=AssignmentState.SUBMITTED
        )
        freed = Place.objects.filter(holder__in=answers).update(holder=None, free_at=timezone.now())
        count = answers.update(set_aside=True)
        Transition.objects.create(
            campaign=locked,
            subject=f"worker {worker.pseudonym}"[:100],
            before="working",
            after="set aside",
            who=who,
            why=reason,
        )
        if freed and locked.state == State.FINISHED:
            locked.move_to(State.OPEN, who, f"{freed} places are free again")
        return count


def finish_if_done(campaign: Campaign) -> bool:
    """Move an open campaign to finished when every HIT has its R used answers."""
    unanswered = Place.objects.filter(campaign=campaign, free_at__isnull=False)
    if campaign.state != State.OPEN or unanswered.exists():
        return False
    with transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if (
            locked.state != State.OPEN
            or locked.target < locked.workers_per_item
            or unanswered.exists()
        ):
            return False
        locked.move_to(State.FINISHED, "the campaign", "every HIT has its answers")
    campaign.state = State.FINISHED
    return True


def waiting_places(campaign: Campaign) -> int:
    """Places that nobody holds, "waiting for workers" (rule 6), with those of unopened rounds."""
    free = Place.objects.filter(campaign=campaign, free_at__lte=timezone.now()).count()
    return free + (campaign.workers_per_item - campaign.target) * campaign.hits.count()
