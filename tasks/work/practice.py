"""Tries at a campaign's practice: opened, kept, judged, and paid once (rule V7).

The budget holds a try's pay for as long as a HIT is kept for its worker; what is sent later is
taken if the budget still carries it. Locks: worker, campaign, try.
"""

import math
import random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.db import transaction
from django.db.models import QuerySet

from imagesets.clock import Now, database_now
from tasks import money
from tasks.crowds import crowd_of
from tasks.models import Campaign, PracticeDraft, PracticeHIT, PracticeTry, Stop, Worker
from tasks.models.campaign import State
from tasks.models.session import SessionOutcome
from tasks.work.admission import Admission, admission
from tasks.work.claiming import has_work, is_over, shown_order
from tasks.work.eligibility import is_eligible
from tasks.work.reporting import keep_reports
from tasks.work.sessions import end, hold, running_session

GOES_ON = (State.OPEN, State.PAUSED)  # an open try leads on to work, at once or later
ANSWER = ("selected", "maybe", "unseen", "comment", "active_seconds")


def running_try(campaign: Campaign, worker: Worker) -> PracticeTry | None:
    """The try that the worker has open and whose time is not over; changes nothing."""
    if campaign.state not in GOES_ON:
        return None
    return _open_tries(campaign, worker).exclude(expires_at__lte=Now()).first()


def next_try(campaign: Campaign, worker: Worker) -> PracticeTry | None:
    """The try that the worker has open, or a new one on other pictures.

    None: they need none, it would lead to no work, or the budget does not carry it. Whoever may not
    begin now gets no new try, but keeps an open one.
    """
    if not campaign.practice:
        return None
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        campaign.refresh_from_db(fields=["state", "round", "target", "out_of_money"])
        if campaign.state not in GOES_ON or admission(campaign, worker) != Admission.DUE:
            return None
        session = running_session(campaign, worker)
        if crowd_of(campaign).pays_by_session and (session is None or not hold(session)):
            return None
        attempt = _open_tries(campaign, worker).first()
        if attempt is not None and not is_over(attempt):
            return attempt
        if not _may_begin(campaign, worker):
            return None
        hit = attempt.hit if attempt is not None else _next_hit(campaign, worker)
        if not _carried(campaign, hit):
            return None
        attempt = attempt or _new_try(hit, worker)
        attempt.session = session
        attempt.expires_at = _until(attempt) if campaign.budget is not None else None
        attempt.save()
        return attempt


def _open_tries(campaign: Campaign, worker: Worker) -> QuerySet[PracticeTry]:
    tries = PracticeTry.objects.filter(hit__campaign=campaign, worker=worker, submitted_at=None)
    return tries.select_related("hit__campaign", "worker")


def _may_begin(campaign: Campaign, worker: Worker) -> bool:
    door = crowd_of(campaign).door
    return (
        campaign.state == State.OPEN
        and door is not None
        and not door.barred(campaign, worker)
        and is_eligible(campaign, worker)
        and not Stop.objects.filter(campaign=campaign, worker=worker).exists()
        and has_work(campaign, worker)
    )


def _next_hit(campaign: Campaign, worker: Worker) -> PracticeHIT:
    had = PracticeTry.objects.filter(hit__campaign=campaign, worker=worker).values("hit")
    hit = campaign.practice_hits.exclude(pk__in=had).order_by("number").first()
    assert hit is not None  # as many as there are tries
    return hit


def _new_try(hit: PracticeHIT, worker: Worker) -> PracticeTry:
    sections = list(hit.items.order_by("position").values_list("section", flat=True))
    attempt = PracticeTry(hit=hit, worker=worker, opened_at=database_now())
    attempt.shown = shown_order(sections, random.Random(attempt.token))
    return attempt


def _carried(campaign: Campaign, hit: PracticeHIT) -> bool:
    """Whether the budget carries the pay of one more try; the campaign's row is locked for it."""
    if campaign.budget is None:
        return True
    locked, price = Campaign.locked(campaign.pk), money.price(campaign, hit)
    if crowd_of(campaign).pays_by_session:
        return not money.beyond(locked, price, beside_offers=True)
    return not money.over(locked, price)


def _until(attempt: PracticeTry) -> datetime:
    """Until when the budget holds the try's pay from now on."""
    campaign = attempt.campaign
    return database_now() + crowd_of(campaign).time_allowed(campaign, attempt.hit)


def renew(attempt: PracticeTry, choices: str) -> bool:
    """Extend the time of a try whose worker has changed their choices, as that of a HIT (P5).

    `choices`: a digest of them. Returns whether it is kept longer now.
    """
    with transaction.atomic():
        locked = PracticeTry.objects.select_for_update().get(pk=attempt.pk)
        if locked.submitted_at is not None or locked.expires_at is None or is_over(locked):
            return False
        locked.hit = attempt.hit
        last = locked.opened_at + timedelta(minutes=attempt.campaign.assignment_minutes)
        until = min(_until(locked), last)
        if locked.choices_seen == choices or until <= locked.expires_at:
            return False
        attempt.expires_at = locked.expires_at = until
        locked.choices_seen = choices
        locked.save(update_fields=["expires_at", "choices_seen"])
        return True


def give_back(attempt: PracticeTry) -> None:
    """Forget what was chosen, and hold no pay for it; the worker may begin it again."""
    with transaction.atomic():
        locked = PracticeTry.objects.select_for_update().get(pk=attempt.pk)
        if locked.submitted_at is None:
            locked.expires_at = Now()
            locked.save(update_fields=["expires_at"])
            PracticeDraft.objects.filter(attempt=locked).delete()


def submit_try(
    attempt: PracticeTry, answer: Mapping[str, Any]
) -> Literal["stored", "repeated", "late"]:
    """Judge and pay a valid answer, once, in one transaction.

    late: its time was over, and the budget does not carry its pay any more; nothing is stored.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=attempt.worker_id)
        current = PracticeTry.objects.select_related("hit__campaign").get(pk=attempt.pk)
        if current.submitted_at is not None:
            return "repeated"
        if "reports" in answer:
            keep_reports(current, answer["reports"])
        if is_over(current) and not _carried(current.campaign, current.hit):
            return "late"
        for field in ANSWER:
            if field in answer:
                setattr(current, field, answer[field])
        known = dict(current.hit.items.values_list("position", "present"))
        current.right = right_of(known, current.selected, current.unseen)
        current.passed = current.right >= needed(current)
        current.submitted_at = database_now()
        current.save()
        PracticeDraft.objects.filter(attempt=current).delete()
        money.owe_practice(current)
        refused = admission(current.campaign, current.worker) == Admission.REFUSED
        if current.session is not None and refused:
            end(current.session, SessionOutcome.SCREENED_OUT, current.worker.pseudonym)
        return "stored"


def needed(attempt: PracticeTry) -> int:
    """How many pictures must be right: the pass mark of those that its worker saw, rounded up.

    Of three quarters of all at least: nobody passes who reports most of the pictures. Withdrawn
    ones are not among these.
    """
    shown = attempt.hit.items.filter(image__withdrawn_at=None).count()
    counted = max(attempt.seen, shown - shown // 4)
    return math.ceil(Decimal(str(attempt.campaign.practice["pass"])) * counted)


def right_of(known: Mapping[int, bool], selected: Collection[int], unseen: Collection[int]) -> int:
    """How many of the seen items (positions) were answered as is known; "maybe" is no yes (K9)."""
    return sum(
        (position in selected) == present
        for position, present in known.items()
        if position not in unseen
    )
