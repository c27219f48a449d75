"""Places: who gets which HIT, and what becomes of the answer (SCIENCE: rules 2 to 8).

Locks are taken in one order everywhere: worker, campaign, place, assignment. A claim changes places
only (never another worker's assignment), so that two claims cannot wait for each other.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from imagesets.models import new_public_id
from tasks import money
from tasks.crowds import crowd_of
from tasks.layout import shown_order
from tasks.models import HIT, Assignment, Campaign, HITItem, Place, Stop, Transition, Worker
from tasks.models.assignment import AssignmentState, Outcome
from tasks.models.campaign import State
from tasks.rounds import SHUFFLES, finish_if_done, free, open_round


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
        for assignment in running:
            assignment.become("the clock", state=AssignmentState.EXPIRED)
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            return None
        while True:
            campaign.refresh_from_db(fields=["state", "round", "target", "out_of_money"])
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


def _open_assignment(
    campaign: Campaign, worker: Worker, place: Place, key: str | None = None
) -> Assignment:
    """Give a claimed place to the worker; `key` where a marketplace names the assignment."""
    assignment = new_assignment(campaign, place.hit, worker, place.round, key)
    assignment.save(force_insert=True)
    place.holder = assignment
    place.free_at = assignment.expires_at
    place.save(update_fields=["holder", "free_at"])
    return assignment


def new_assignment(
    campaign: Campaign, hit: HIT, worker: Worker, round: int, key: str | None = None
) -> Assignment:
    """An open assignment, not yet saved, with sections and tiles in an order of its own."""
    now = timezone.now()
    sections = list(
        HITItem.objects.filter(hit=hit).order_by("position").values_list("section", flat=True)
    )
    if campaign.kind == "classify":
        sections = [0] * len(sections)
    return Assignment(
        campaign=campaign,
        hit=hit,
        worker=worker,
        key=key or new_public_id(),
        round=round,
        opened_at=now,
        expires_at=now + crowd_of(campaign).time_allowed(campaign, hit),
        shown=shown_order(sections, random.Random()),
    )


class NotForHim(Exception):
    """The worker may not do this HIT; the message tells him so, in a sentence."""


def take_up(hit: HIT, worker: Worker, key: str) -> Assignment:
    """The assignment by which a marketplace has given the HIT to the worker (rule 5).

    It is served even where no place is free here: of those that are being worked on, or answered
    and not yet handed in there, one was then returned without a word (see `submit` and
    tasks/reconcile.py). Raises NotForHim.
    """
    others = Assignment.objects.filter(campaign=hit.campaign_id, key=key).exclude(worker=worker)
    with transaction.atomic():
        ids = {worker.pk, *others.values_list("worker_id", flat=True)}
        list(Worker.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
        there = Assignment.objects.filter(campaign=hit.campaign_id, key=key, worker=worker).first()
        if there is not None:
            return there
        campaign = Campaign.objects.get(pk=hit.campaign_id)
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            raise NotForHim("There is no more work of this study for you.")
        mine = Assignment.objects.filter(hit=hit, worker=worker)
        if mine.filter(state=AssignmentState.SUBMITTED).exists():
            raise NotForHim("You have answered this one before.")
        in_time = Q(state=AssignmentState.OPEN, expires_at__gt=timezone.now())
        if given_on(campaign, worker.external_id, key) and others.filter(in_time).exists():
            raise NotForHim("This work is not yours any more.")
        for other in others:
            # An answer is its worker's until the marketplace says what became of it (sync).
            if other.state == AssignmentState.SUBMITTED or not let_go(other):
                raise NotForHim("This work was handed in by somebody else.")
        wanted = Place.objects.filter(hit=hit, free_at__isnull=False)
        unsure = Place.objects.filter(
            hit=hit, free_at=None, holder__outcome="", holder__market_state=""
        )
        if campaign.state in (State.FINISHED, State.CLOSED) or not (
            wanted.exists() or unsure.exists()
        ):
            raise NotForHim("This one has all the answers that it needs.")
        for older in mine.filter(state=AssignmentState.OPEN):
            give_back(older)
        free_now = wanted.filter(free_at__lte=timezone.now())
        place = free_now.select_for_update(of=("self",), skip_locked=True).first()
        if place is not None:
            assignment = _open_assignment(campaign, worker, place, key)
        else:
            assignment = new_assignment(campaign, hit, worker, campaign.round, key)
            assignment.save(force_insert=True)
        return assignment


def let_go(assignment: Assignment) -> bool:
    """The marketplace has given this assignment's key to another worker: it was returned there.

    Its place is free, and it gets another key (`given_on` finds it); an answer that never came
    there is not used. False: it was handed in there, or reviewed. The caller has its worker's row
    locked.
    """
    with transaction.atomic():
        places = Place.objects.select_for_update().filter(holder=assignment)
        held = [place.pk for place in places]
        locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if locked.outcome or locked.market_state in ("submitted", "approved", "rejected"):
            return False
        Place.objects.filter(pk__in=held).update(holder=None, free_at=timezone.now())
        locked.become("the marketplace", "given to another worker", state="returned")
        locked.key = f"{locked.key[:180]}-{locked.pk}"
        locked.market_state = "returned"
        locked.save(update_fields=["key", "market_state"])
        return True


def given_on(campaign: Campaign, worker: str, key: str) -> Assignment | None:
    """The newest assignment of the worker (the marketplace's id) that `let_go` took the key from.

    Should the marketplace name him for it after all, it is his again (tasks/reconcile.py).
    """
    taken = Assignment.objects.filter(
        campaign=campaign,
        worker__crowd=campaign.crowd,
        worker__external_id=worker,
        key__startswith=f"{key[:180]}-",
        market_state="returned",
    )
    return taken.select_related("hit", "campaign", "worker").order_by("-pk").first()


def _has_unanswered_hit(campaign: Campaign, worker: Worker) -> bool:
    """Whether any HIT is left that the worker has not answered: would another round help him?"""
    answered = Assignment.objects.filter(
        campaign=campaign,
        worker=worker,
        state__in=[AssignmentState.OPEN, AssignmentState.SUBMITTED],
    )
    return HIT.objects.filter(campaign=campaign).exclude(pk__in=answered.values("hit")).exists()


@dataclass(frozen=True)
class Submitted:
    """What became of an answer.

    stored: used, or set aside with its worker. repeated: there was one already, nothing changed.
    late: kept but not used, since its place was taken after it had expired.
    """

    status: Literal["stored", "repeated", "late"]
    assignment: Assignment


FACTS = ("submitted_at", "wall_seconds", "for_person", "state", "outcome", "set_aside")
ANSWER = ("selected", "maybe", "unseen", "answers", "comment", "active_seconds")


def submit(assignment: Assignment, answer: dict[str, Any]) -> Submitted:
    """Store a valid answer, once, in one transaction.

    `answer`: for CONTAINS lists of positions `selected`, `maybe`, `unseen`; for CLASSIFY `answers`
    in the order of `shown`; optionally `comment` and `active_seconds`.
    """
    with transaction.atomic():
        worker = Worker.objects.select_for_update().get(pk=assignment.worker_id)
        stopped = Stop.objects.filter(campaign=assignment.campaign_id, worker=worker).exists()
        campaign, for_person = _campaign_for(assignment.campaign, stopped)
        place = place_for(assignment, campaign)
        hit = assignment.hit
        assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
        assignment.campaign, assignment.worker, assignment.hit = campaign, worker, hit
        if assignment.submitted_at is not None:
            return Submitted("repeated", assignment)
        now = timezone.now()
        given = [field for field in ANSWER if field in answer]
        for field in given:
            setattr(assignment, field, answer[field])
        assignment.submitted_at = now
        assignment.wall_seconds = (now - assignment.opened_at).total_seconds()
        assignment.for_person = for_person and place is not None
        who = worker.pseudonym
        if place is None:
            assignment.become(who, "its place was taken", state="expired", save=False)
            assignment.save(update_fields=[*FACTS, *given])
            return Submitted("late", assignment)
        assignment.become(who, state="submitted", set_aside=stopped, save=False)
        if crowd_of(campaign).accepts_at_once and not assignment.for_person:
            why = "accepted as it is stored"
            assignment.become("review", why, outcome=Outcome.ACCEPTED, save=False)
            money.owe([assignment])
        assignment.save(update_fields=[*FACTS, *given])
        if stopped:
            free(campaign, Place.objects.filter(pk=place.pk), "review", "its worker is stopped")
        else:
            place.holder, place.free_at = assignment, None
            place.save(update_fields=["holder", "free_at"])
    finish_if_done(campaign)
    return Submitted("stored", assignment)


def _campaign_for(campaign: Campaign, stopped: bool) -> tuple[Campaign, bool]:
    """The campaign, and whether the answer belongs to the sample that a person reviews.

    Its row is locked where the answer changes more than its own place: a stopped worker's, which
    frees one, and those of the sample while it is being filled.
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

    Where the marketplace gives out the places it has given this one, so that of those that run here
    one was returned there without a word: the one that was opened first makes room.
    None where there is none, where the worker has another answer to the HIT (rules 4 and 5), or
    where the marketplace has taken the work from him. His row is locked by the caller.
    """
    given_there = crowd_of(campaign).gives_places
    gone = Assignment.objects.filter(pk=assignment.pk, market_state__in=["returned", "expired"])
    if given_there and gone.exists():
        return None
    places = Place.objects.select_for_update(of=("self",)).filter(hit=assignment.hit_id)
    own = places.filter(holder=assignment).first()
    twice = Assignment.objects.filter(
        hit=assignment.hit_id,
        worker=assignment.worker_id,
        state__in=[AssignmentState.OPEN, AssignmentState.SUBMITTED],
    ).exclude(pk=assignment.pk)
    if twice.exists():  # his own one is then free for others
        return None
    if own is not None:
        return own
    unlocked = Place.objects.select_for_update(of=("self",), skip_locked=True)
    unlocked = unlocked.filter(hit=assignment.hit_id)
    place = unlocked.filter(free_at__lte=timezone.now()).first()
    if place is None and given_there:
        place = unlocked.filter(free_at__isnull=False).order_by("holder__opened_at").first()
        if place is None:
            place = _never_handed_in(unlocked.filter(UNTOLD, free_at=None))
    return place


# An answer that the marketplace has not told of: it may never have been handed in there.
UNTOLD = Q(holder__market_state="", holder__outcome=Outcome.NONE, holder__imported=False)


def _never_handed_in(untold: QuerySet[Place]) -> Place | None:
    """The place of the oldest answer that never came to the marketplace, which is not used then.

    If that was the wrong one, it takes such a place in its turn once it is handed in.
    """
    place = untold.order_by("holder__submitted_at").first()
    if place is None or place.holder_id is None:
        return None
    holder = Assignment.objects.select_for_update().get(pk=place.holder_id)
    if holder.market_state or holder.outcome:  # told of, or reviewed, just now
        return None
    holder.become("the marketplace", "never handed in there", state=AssignmentState.EXPIRED)
    return place


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
        place = Place.objects.select_for_update().filter(holder=assignment).first()
        locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if locked.state != AssignmentState.OPEN:
            return False
        if place is not None:
            place.holder, place.free_at = None, timezone.now()
            place.save(update_fields=["holder", "free_at"])
        locked.become(locked.worker.pseudonym, state=AssignmentState.RETURNED)
        return True


def set_aside(campaign: Campaign, worker: Worker, reason: str, who: str) -> int:
    """Take a worker's answers out of the campaign's results and give him no more work (rule 7).

    His places are free again at once; what he has open he may finish. Returns how many answers.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        locked = Campaign.locked(campaign.pk)
        _, new = Stop.objects.get_or_create(
            campaign=locked, worker=worker, defaults={"reason": reason}
        )
        if not new:
            return 0
        Transition.objects.create(
            campaign=locked,
            subject=f"worker {worker.pseudonym}"[:100],
            before="working",
            after="set aside",
            who=who,
            why=reason,
        )
        answers = Assignment.objects.filter(
            campaign=locked,
            worker=worker,
            state=AssignmentState.SUBMITTED,
            set_aside=False,
        ).exclude(outcome=Outcome.REJECTED)
        places = Place.objects.select_for_update().filter(holder__in=answers)
        held = [place.pk for place in places]
        count = 0
        for answer in answers.select_for_update():
            answer.become(who, reason, set_aside=True)
            count += 1
        free(locked, Place.objects.filter(pk__in=held), who, reason)
        return count
