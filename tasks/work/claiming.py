"""Who gets which HIT on the site, for how long, and how they return it (rules P2 to P5, P8).

Locks are taken in one order everywhere: worker, campaign, place, assignment, draft. A claim changes
places only, never another worker's assignment, so two claims cannot deadlock.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet

from imagesets.clock import Now, database_now
from imagesets.models import new_public_id
from tasks import money
from tasks.crowds import crowd_of
from tasks.models import HIT, Assignment, Campaign, HITItem, Place, Session, Stop, Work, Worker
from tasks.models.assignment import USED, AssignmentState
from tasks.models.campaign import State
from tasks.models.session import SessionOutcome
from tasks.work.admission import Admission, admission
from tasks.work.drafts import forget
from tasks.work.eligibility import is_eligible
from tasks.work.rounds import SHUFFLES, all_answered, finish_if_done, open_round
from tasks.work.sessions import (
    SITE,
    bonus_fits,
    end,
    end_as_it_stands,
    hold,
    keep_with,
    may_continue,
    progress_of,
    running_session,
    takes_more,
)


def next_assignment(campaign: Campaign, worker: Worker, goes_on: bool = False) -> Assignment | None:
    """The worker's running assignment, or a new one on a free place; None: no work for them.

    Where they have HITs left but may take no free place, opens the next round if they are known or
    all places so far are answered (rule P2). Where sessions are paid, there is work in a session
    only, and beyond it only for whoever `goes_on` for a bonus, as far as the budget carries it.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        running = Assignment.objects.filter(
            campaign=campaign, worker=worker, state=AssignmentState.OPEN
        ).select_related("hit")
        for assignment in running.annotate(now=Now()):
            if assignment.expires_at is None or assignment.expires_at > assignment.now:
                return assignment
            assignment.become("the clock", state=AssignmentState.EXPIRED)
        door = crowd_of(campaign).door
        if door is not None and door.barred(campaign, worker):
            return None
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            return None
        if not is_eligible(campaign, worker):
            return None
        if admission(campaign, worker) != Admission.ADMITTED:
            return None
        session, is_extra, locked = None, False, None
        if crowd_of(campaign).pays_by_session:
            session = running_session(campaign, worker)
            if session is None or not hold(session):
                return None
            if is_extra := not takes_more(session):
                if not (goes_on and may_continue(campaign, session)):
                    return None
                locked = Campaign.locked(campaign.pk)
        while True:
            campaign.refresh_from_db(fields=["state", "round", "target", "out_of_money"])
            if not _gives_work(campaign, session, is_extra):
                return None
            if claimed := _claim(campaign, worker):
                hit = claimed[0].hit
                if session and locked and not bonus_fits(locked, session, hit):
                    return None
                return open_assignment(
                    campaign, worker, *claimed, session=session, is_extra=is_extra
                )
            if campaign.state != State.OPEN or not _may_open_a_round(campaign, worker):
                break
            if not open_round(campaign, campaign.round, who=worker.pseudonym):
                break
    finish_if_done(campaign)
    return None


def _gives_work(campaign: Campaign, session: Session | None, is_extra: bool) -> bool:
    """Whether the campaign gives out HITs: open, or paused for whoever is in a session (S3)."""
    in_session = session is not None and not is_extra
    return campaign.state == State.OPEN or (campaign.state == State.PAUSED and in_session)


def bonus_on_offer(campaign: Campaign, session: Session) -> tuple[Decimal, Decimal] | None:
    """The least and the most that one more HIT would pay whoever has done a session (rule S3).

    None: they may not go on, nothing is left that they could do, or the budget carries none.
    Changes nothing.
    """
    worker = session.worker
    if campaign.state != State.OPEN or not may_continue(campaign, session):
        return None
    if Stop.objects.filter(campaign=campaign, worker=worker).exists():
        return None
    if not is_eligible(campaign, worker):
        return None
    left = _unanswered_hits(campaign, worker)
    free = left.filter(pk__in=_free_places(campaign).values("hit"))
    to_come = campaign.target < campaign.workers_per_item and not campaign.out_of_money
    if not free.exists():
        free = left if to_come and _may_open_a_round(campaign, worker) else left.none()
    worth = free.aggregate(least=Min("reward"), most=Max("reward"))
    if worth["least"] is None:
        return None
    if money.beyond(campaign, money.price_of(campaign, worth["least"]), beside_offers=True):
        return None
    return worth["least"], worth["most"]


def conclude(campaign: Campaign, session: Session) -> Session:
    """End a session whose worker gets nothing more in it; one that may go on is left as it is.

    To be called once `next_assignment` has found nothing. Whom other work has excluded in the
    middle of it has left it: they could otherwise choose to be paid as a whole for a part (S4).
    """
    if not session.is_running:
        return session
    progress = progress_of(session)
    if progress.is_full and bonus_on_offer(campaign, session) is not None:
        return session
    if 0 < progress.answered < progress.hits and not is_eligible(campaign, session.worker):
        return end(session, SessionOutcome.LEFT, SITE, "other work excludes its worker")
    why = "its last HIT is answered" if progress.is_full else "there is no work for it"
    return end_as_it_stands(session, SITE, why)


def running_assignment(campaign: Campaign, worker: Worker) -> Assignment | None:
    """The HIT that the worker has open and that is kept for them; changes nothing."""
    running = Assignment.objects.filter(
        campaign=campaign, worker=worker, state=AssignmentState.OPEN
    ).exclude(expires_at__lte=Now())
    return running.select_related("hit").first()


def has_work(campaign: Campaign, worker: Worker) -> bool:
    """Whether a place is free, or might be by a new round, for somebody who has answered nothing.

    Changes nothing.
    """
    to_come = campaign.target < campaign.workers_per_item and not campaign.out_of_money
    return _free_places(campaign).exists() or (to_come and _may_open_a_round(campaign, worker))


def _free_places(campaign: Campaign) -> QuerySet[Place]:
    return Place.objects.filter(campaign=campaign, free_at__lte=Now(), hit__asks_nothing=False)


def _may_open_a_round(campaign: Campaign, worker: Worker) -> bool:
    return _has_unanswered_hit(campaign, worker) and (
        all_answered(campaign) or _is_known(campaign, worker)
    )


def _is_known(campaign: Campaign, worker: Worker) -> bool:
    """Whether the worker is somebody for whom a round may open: no identity made a moment ago."""
    door = crowd_of(campaign).door
    return (
        door is None
        or Assignment.objects.filter(USED, campaign=campaign, worker=worker).exists()
        or door.vouches_for(campaign, worker)
    )


# Places of one round from a random point of the shuffle on, skipping HITs that the worker has done
# or has open, and those whose images were all withdrawn.
_CLAIM = """
    SELECT p.id, statement_timestamp() FROM tasks_place p
    WHERE p.campaign_id = %(campaign)s AND p.round = %(round)s
      AND p.shuffle >= %(start)s AND p.shuffle < %(end)s AND p.free_at <= statement_timestamp()
      AND NOT EXISTS (
        SELECT FROM tasks_assignment a WHERE a.hit_id = p.hit_id
          AND a.worker_id = %(worker)s AND a.state IN ('open', 'submitted'))
      AND NOT EXISTS (SELECT FROM tasks_hit h WHERE h.id = p.hit_id AND h.asks_nothing)
    ORDER BY p.shuffle LIMIT 1 FOR UPDATE OF p SKIP LOCKED
"""


def _claim(campaign: Campaign, worker: Worker) -> tuple[Place, datetime] | None:
    """A free place that the worker may take, locked, and the time; earlier rounds first (P8)."""
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
                    return Place.objects.select_related("hit").get(pk=row[0]), row[1]
    return None


def open_assignment(
    campaign: Campaign,
    worker: Worker,
    place: Place,
    now: datetime,
    session: Session | None = None,
    is_extra: bool = False,
    **names: Any,
) -> Assignment:
    """Give a claimed place to the worker; `names`: as for `new_assignment`."""
    assignment = new_assignment(campaign, place.hit, worker, place.round, now, **names)
    assignment.session, assignment.is_extra = session, is_extra
    assignment.save(force_insert=True)
    keep_with(assignment)
    place.holder = assignment
    place.free_at = assignment.expires_at
    place.save(update_fields=["holder", "free_at"])
    return assignment


def new_assignment(
    campaign: Campaign, hit: HIT, worker: Worker | None, round: int, now: datetime, **names: str
) -> Assignment:
    """An open assignment, not yet saved, that shows its sections and tiles in its own order.

    `names`: `key`, the marketplace's name for it, and `token`; by default the site makes them up.
    The token decides the order.
    """
    sections = list(
        HITItem.objects.filter(hit=hit).order_by("position").values_list("section", flat=True)
    )
    if campaign.kind == "classify":
        sections = [0] * len(sections)
    token = names.get("token") or new_public_id()
    return Assignment(
        campaign=campaign,
        hit=hit,
        worker=worker,
        key=names.get("key") or new_public_id(),
        token=token,
        round=round,
        opened_at=now,
        expires_at=now + crowd_of(campaign).time_allowed(campaign, hit),
        shown=shown_order(sections, random.Random(token)),
    )


def shown_order(sections: Sequence[int], rng: random.Random) -> list[int]:
    """An order of positions for one assignment (rule L5): sections shuffled, and tiles within each.

    `sections[p]` is the section of the item at position p.
    """
    by_section: dict[int, list[int]] = defaultdict(list)
    for position, section in enumerate(sections):
        by_section[section].append(position)
    order = list(by_section.values())
    rng.shuffle(order)
    for tiles in order:
        rng.shuffle(tiles)
    return [position for tiles in order for position in tiles]


def _has_unanswered_hit(campaign: Campaign, worker: Worker) -> bool:
    """Whether some HIT is left for the worker, so that another round would give them work."""
    return _unanswered_hits(campaign, worker).exists()


def _unanswered_hits(campaign: Campaign, worker: Worker) -> QuerySet[HIT]:
    answered = Assignment.objects.filter(
        campaign=campaign,
        worker=worker,
        state__in=[AssignmentState.OPEN, AssignmentState.SUBMITTED],
    )
    hits = HIT.objects.filter(campaign=campaign, asks_nothing=False)
    return hits.exclude(pk__in=answered.values("hit"))


def is_over(work: Work) -> bool:
    """Whether the time for which it is kept is over, by the database's clock."""
    return work.expires_at is not None and work.expires_at <= database_now()


def renew(assignment: Assignment, choices: str) -> bool:
    """Extend the worker's time: a form that changes their choices shows that they are at it.

    `choices`: a digest of them. The same form sent again changes nothing (rule P5). Returns whether
    the work is kept longer now. `assignment.hit` and `.campaign` are read.
    """
    campaign, hit = assignment.campaign, assignment.hit
    with transaction.atomic():
        place = Place.objects.select_for_update().filter(holder=assignment).first()
        locked = Assignment.objects.select_for_update().annotate(now=Now()).get(pk=assignment.pk)
        if place is None or place.free_at is None or locked.state != AssignmentState.OPEN:
            return False
        until = min(
            locked.now + crowd_of(campaign).time_allowed(campaign, hit),
            locked.opened_at + timedelta(minutes=campaign.assignment_minutes),
        )
        if locked.choices_seen == choices or until <= place.free_at:
            return False
        assignment.expires_at = locked.expires_at = place.free_at = until
        locked.choices_seen = choices
        locked.save(update_fields=["expires_at", "choices_seen"])
        place.save(update_fields=["free_at"])
        keep_with(assignment)
        return True


def give_back(assignment: Assignment) -> bool:
    """Return the HIT unanswered and free its place at once. False: it was not open."""
    with transaction.atomic():
        place = Place.objects.select_for_update().filter(holder=assignment).first()
        locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if locked.state != AssignmentState.OPEN:
            return False
        if place is not None:
            place.holder, place.free_at = None, Now()
            place.save(update_fields=["holder", "free_at"])
        locked.become(locked.worker.pseudonym, state=AssignmentState.RETURNED)
        forget(locked)
        return True
