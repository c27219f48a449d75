"""Taking up on the site a HIT that a marketplace has given to a worker (rules P10, P13).

Nothing proves who comes, so what the marketplace has not told of blocks nobody: several workers may
hold one key on the site, each with an answer, until the marketplace names one of them.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from imagesets.clock import Now, database_now
from tasks.models import HIT, Assignment, Campaign, Place, Secret, Stop, Worker
from tasks.models.assignment import HANDED_IN, AssignmentState, MarketState, Outcome
from tasks.models.campaign import State
from tasks.work.claiming import new_assignment, open_assignment
from tasks.work.eligibility import KEPT_OUT, eligibility

MOST_UNTOLD = 50  # assignments of a HIT of which the marketplace has not told
UNTOLD = Q(
    market_state__in=[MarketState.UNREPORTED, MarketState.RETURNED],
    outcome=Outcome.NONE,
    imported=False,
)


class NotOffered(Exception):
    """The worker may not do this HIT; the message tells them why, in a sentence."""


def claim_of(hit: HIT, worker: str, key: str) -> Assignment | None:
    """The assignment that was taken up before by this worker under this key, or None.

    `worker` and `key` are the marketplace's ids. Another worker may have taken the key since.
    """
    named = Q(key=key) | Q(key__startswith=_aside(key, ""))
    claims = Assignment.objects.filter(
        named, hit=hit, worker__crowd=hit.campaign.crowd, worker__external_id=worker
    )
    return claims.select_related("worker", "draft").order_by("-pk").first()


def _aside(key: str, number: object) -> str:
    """The key of an assignment while another one has the marketplace's own."""
    return f"{key[:180]}-{number}"


def has_room(hit: HIT) -> bool:
    """Whether the HIT may have one more assignment that waits for an answer."""
    untold = _untold(hit)
    return untold.count() < MOST_UNTOLD or untold.filter(submitted_at=None).exists()


def unsaved(hit: HIT, worker: str, key: str) -> Assignment:
    """The assignment as `take_up` would make it, with the same token and order, but not stored."""
    campaign = hit.campaign
    token = _token(hit, worker, key)
    return new_assignment(campaign, hit, None, campaign.round, database_now(), key=key, token=token)


def _token(hit: HIT, worker: str, key: str) -> str:
    """Always the same, so that a page can still be answered once its assignment was deleted."""
    named = f"{hit.pk}\0{worker}\0{key}".encode()
    digest = hmac.digest(Secret.named("frames"), named, hashlib.sha256)
    return base64.urlsafe_b64encode(digest)[:16].decode()


def take_up(hit: HIT, worker: Worker, key: str) -> Assignment:
    """The worker's assignment under the marketplace's `key`, new if need be (rule P10).

    The site serves the HIT even if it sees no free place: the marketplace must then have reclaimed,
    without notice, an assignment that is open, or answered but not handed in (`place_for` in
    tasks/work/submitting.py makes room). Raises NotOffered.
    """
    rivals = Assignment.objects.filter(campaign=hit.campaign_id, key=key)
    rivals = rivals.exclude(worker=worker, hit=hit)
    with transaction.atomic():
        in_the_way = _in_the_way(hit)
        ids = {worker.pk, *(a.worker_id for a in in_the_way)}
        ids |= set(rivals.values_list("worker_id", flat=True))
        locked = Worker.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        if worker not in list(locked):  # deleted a moment ago, with their assignment
            worker = Worker.of(worker.crowd, worker.external_id)
        if (known := claim_of(hit, worker.external_id, key)) is not None:
            return known
        campaign = Campaign.objects.get(pk=hit.campaign_id)
        if (kept_out := KEPT_OUT.get(eligibility(campaign, worker))) is not None:
            raise NotOffered(str(kept_out))
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            raise NotOffered(_("There is no more work of this study for you."))
        of_hit = Assignment.objects.filter(hit=hit, worker=worker)
        if of_hit.filter(~UNTOLD, state=AssignmentState.SUBMITTED).exists():
            raise NotOffered(_("You have answered this one before."))
        if hit.asks_nothing:
            raise NotOffered(_("The pictures of this one were withdrawn."))
        # What was handed in keeps its key until the marketplace names another worker for it.
        is_theirs = {surrender(rival) for rival in rivals} <= {True}
        wanted = Place.objects.filter(hit=hit, free_at__isnull=False)
        unsure = Place.objects.filter(
            hit=hit, free_at=None, holder__outcome="", holder__market_state=MarketState.UNREPORTED
        )
        if campaign.state in (State.FINISHED, State.CLOSED) or not (
            wanted.exists() or unsure.exists()
        ):
            raise NotOffered(_("This one has all the answers that it needs."))
        set_back(of_hit, worker.pseudonym)
        _delete(in_the_way, worker)
        token = _token(hit, worker.external_id, key)
        names: dict[str, Any] = {"key": key if is_theirs else _aside(key, token), "token": token}
        free_now = wanted.filter(free_at__lte=Now())
        place = free_now.select_for_update(of=("self",), skip_locked=True).first()
        if place is not None:
            return open_assignment(campaign, worker, place, database_now(), **names)
        now = database_now()
        assignment = new_assignment(campaign, hit, worker, campaign.round, now, **names)
        assignment.save(force_insert=True)
        return assignment


def _untold(hit: HIT) -> QuerySet[Assignment]:
    return Assignment.objects.filter(UNTOLD, hit=hit)


def _in_the_way(hit: HIT) -> list[Assignment]:
    """The oldest unanswered assignments, as many as must go before there is a new one (P13)."""
    too_many = _untold(hit).count() - MOST_UNTOLD + 1
    if too_many <= 0:
        return []
    return list(_untold(hit).filter(submitted_at=None).order_by("opened_at", "pk")[:too_many])


def _delete(assignments: Collection[Assignment], newcomer: Worker) -> None:
    """Delete those still unanswered, and workers who have no other; the workers are locked."""
    for assignment in assignments:
        unanswered = Assignment.objects.filter(pk=assignment.pk, submitted_at=None)
        if unanswered.exists():
            Place.objects.filter(holder=assignment).update(holder=None, free_at=Now())
            unanswered.delete()
    idle = Worker.objects.filter(pk__in=[a.worker_id for a in assignments])
    idle.filter(assignments=None, stops=None).exclude(pk=newcomer.pk).delete()


def set_back(assignments: QuerySet[Assignment], who: str) -> None:
    """Let a worker's assignments of a HIT make way for another, unless the marketplace has told.

    Their places are free, their answers kept. The caller holds the lock on the worker's row.
    """
    live = [AssignmentState.OPEN, AssignmentState.SUBMITTED]
    for older in assignments.filter(UNTOLD, state__in=live):
        places = Place.objects.select_for_update().filter(holder=older)
        held = [place.pk for place in places]
        locked = Assignment.objects.select_for_update().get(pk=older.pk)
        Place.objects.filter(pk__in=held).update(holder=None, free_at=Now())
        locked.become(who, "taken up again under another key", state=AssignmentState.RETURNED)


def surrender(assignment: Assignment, told: bool = False) -> bool:
    """Take an assignment's key from it, because the marketplace has given it to another worker.

    The first worker must have returned the work, or one of the two is not who they say. The place
    is freed and the assignment gets a new key (`claim_of` finds it); its answer is kept, and used
    if the marketplace names its worker after all. False: it was handed in or reviewed, and keeps
    its key, unless the marketplace itself has `told` of the other worker. What was reviewed stays
    so. The caller holds the lock on the worker's row.
    """
    with transaction.atomic():
        places = Place.objects.select_for_update().filter(holder=assignment)
        held = [place.pk for place in places]
        locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if not told and (locked.outcome or locked.market_state in HANDED_IN):
            return False
        locked.key = _aside(locked.key, locked.pk)
        if not locked.outcome:
            Place.objects.filter(pk__in=held).update(holder=None, free_at=Now())
            locked.become("the marketplace", "given to another worker", state="returned")
            locked.market_state = MarketState.RETURNED
        locked.save(update_fields=["key", "market_state"])
        return True
