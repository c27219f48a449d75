"""Drafts kept until the answer comes: the newest revision wins, whatever order they arrive in."""

from datetime import timedelta
from enum import StrEnum

from django.db import connection, transaction
from django.db.models import Q

from imagesets.clock import Now
from tasks.crowds import crowd_of
from tasks.models import Assignment, Draft, Place, PracticeDraft, PracticeTry, Work
from tasks.models.assignment import AssignmentState

KEPT = timedelta(days=30)  # after its last change


class Saved(StrEnum):
    """What became of a draft."""

    STORED = "stored"
    OLDER = "older"  # no newer than what is stored
    ANSWERED = "answered"
    OVER = "over"  # given back, or expired and the place is taken


# Waits for whoever holds the assignment's row, and then sees what they have made of it: no draft is
# stored once an answer is, and two drafts at once leave the newer one.
_SAVE = """
    WITH work AS (
      SELECT id, state, submitted_at IS NOT NULL AS answered,
             coalesce(expires_at <= statement_timestamp(), false) AS expired
      FROM tasks_assignment WHERE id = %(assignment)s FOR KEY SHARE),
    saved AS (
      INSERT INTO tasks_draft AS d (assignment_id, revision, fields, saved_at)
      SELECT id, %(revision)s, %(fields)s, statement_timestamp() FROM work
      WHERE NOT answered AND state = ANY (%(states)s)
      ON CONFLICT (assignment_id) DO UPDATE
      SET revision = greatest(d.revision, EXCLUDED.revision), fields = EXCLUDED.fields,
          saved_at = EXCLUDED.saved_at
      WHERE d.revision < EXCLUDED.revision OR %(anyway)s
      RETURNING revision)
    SELECT state, answered, expired, EXISTS (SELECT FROM saved) FROM work
"""


def save(work: Work, fields: str, revision: int, anyway: bool = False) -> Saved:
    """Store a draft, its `fields` as JSON, if it is newer than the stored one, or `anyway`."""
    if isinstance(work, PracticeTry):
        return _save_of_try(work, fields, revision, anyway)
    return _save_of_assignment(work, fields, revision, anyway)


def _save_of_try(attempt: PracticeTry, fields: str, revision: int, anyway: bool) -> Saved:
    """Its time matters to the budget alone: nobody else waits for it."""
    with transaction.atomic():
        if PracticeTry.objects.select_for_update().get(pk=attempt.pk).submitted_at is not None:
            return Saved.ANSWERED
        stored = PracticeDraft.objects.filter(attempt=attempt).first()
        if stored is not None and stored.revision >= revision and not anyway:
            return Saved.OLDER
        newest = max(revision, stored.revision if stored is not None else 0)
        PracticeDraft.objects.update_or_create(
            attempt=attempt, defaults={"revision": newest, "fields": fields, "saved_at": Now()}
        )
    return Saved.STORED


def _save_of_assignment(assignment: Assignment, fields: str, revision: int, anyway: bool) -> Saved:
    """In one statement. A marketplace may give returned work to the same worker again, so there the
    draft of such work is stored too.
    """
    market_decides = crowd_of(assignment.campaign).gives_places
    states = {AssignmentState.OPEN, AssignmentState.EXPIRED}
    if market_decides:
        states.add(AssignmentState.RETURNED)
    with connection.cursor() as cursor:
        cursor.execute(
            _SAVE,
            {
                "assignment": assignment.pk,
                "revision": revision,
                "fields": fields,
                "anyway": anyway,
                "states": [state.value for state in states],
            },
        )
        row = cursor.fetchone()
    if row is None:
        return Saved.OVER
    state, answered, expired, stored = row
    if answered:
        return Saved.ANSWERED
    if state not in states or (expired and not market_decides and not place_is_left(assignment)):
        return Saved.OVER
    return Saved.STORED if stored else Saved.OLDER


def place_is_left(assignment: Assignment) -> bool:
    """Whether expired work could still be answered: its own place is free, or another of its HIT.

    Not where the worker has the HIT by another assignment (rules P4, P9).
    """
    live = [AssignmentState.OPEN, AssignmentState.SUBMITTED]
    twice = Assignment.objects.filter(
        hit=assignment.hit_id, worker=assignment.worker_id, state__in=live
    ).exclude(pk=assignment.pk)
    left = Place.objects.filter(
        Q(holder=assignment) | Q(free_at__lte=Now()), hit=assignment.hit_id, free_at__isnull=False
    )
    return left.exists() and not twice.exists()


def forget(assignment: Assignment) -> None:
    """Delete the draft of work that was answered or given back; the caller has locked its row."""
    Draft.objects.filter(pk=assignment.pk).delete()


def forget_old() -> None:
    """Delete the drafts of work that was answered elsewhere, and those left alone for long."""
    over = Q(assignment__submitted_at__isnull=False) | Q(saved_at__lt=Now() - KEPT)
    Draft.objects.filter(over).delete()
    PracticeDraft.objects.filter(saved_at__lt=Now() - KEPT).delete()
