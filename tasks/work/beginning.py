"""Begins a session, or goes on with the one that a worker comes back for (rules S1, S3, S4)."""

from django.db import IntegrityError, transaction

from imagesets.clock import database_now
from tasks import money
from tasks.crowds import SessionVisit, crowd_of
from tasks.models import Campaign, Session, Stop, Worker
from tasks.models.campaign import State
from tasks.models.session import REOPENED, SessionOutcome
from tasks.work.claiming import has_work
from tasks.work.eligibility import is_eligible
from tasks.work.sessions import IDLE, end, is_held, may_begin_another, running_session


class NotTheirs(Exception):
    """The session is another worker's."""


def begin(campaign: Campaign, worker: Worker, visit: SessionVisit) -> Session | None:
    """The session of that key: a new one, the running one, or one that ended, as it ended.

    One that ended without pay goes on where there is work again. A worker is in one session at a
    time: another one that still runs has been left. None: there is no work, or no money, for a new
    session. Raises NotTheirs.
    """
    try:
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=worker.pk)
            session = Session.objects.filter(campaign=campaign, key=visit.key).first()
            if session is not None and session.worker_id != worker.pk:
                raise NotTheirs(visit.key)
            if session is not None and not _may_reopen(session):
                return session
            return _start(campaign, worker, visit, session)
    except IntegrityError:  # somebody else has begun it at this moment
        raise NotTheirs(visit.key) from None


def _may_reopen(session: Session) -> bool:
    paid = session.payments.filter(assignment=None, practice=None)
    return session.outcome in REOPENED and not paid.exists()


def _start(
    campaign: Campaign, worker: Worker, visit: SessionVisit, ended: Session | None
) -> Session | None:
    """A new session, or one that had ended."""
    campaign.refresh_from_db(fields=["state", "round", "target", "out_of_money", "session_reward"])
    if not _may_work(campaign, worker):
        return ended
    locked = Campaign.locked(campaign.pk)
    if (other := running_session(campaign, worker)) is not None:
        end(other, SessionOutcome.LEFT, worker.pseudonym, "began another session")
    reward = ended.reward if ended is not None else locked.session_reward
    assert reward is not None  # fixed at publish
    assert locked.session_hits
    held = visit.is_test or (ended is not None and is_held(ended))
    if not held and money.beyond(locked, money.price_of(locked, reward)):
        return ended
    if ended is not None:
        ended.kept_until = database_now() + IDLE
        ended.settled_at = None
        ended.save(update_fields=["kept_until", "settled_at"])
        ended.become(SessionOutcome.RUNNING, worker.pseudonym, "came back")
        return ended
    return Session.objects.create(
        campaign=campaign,
        worker=worker,
        key=visit.key,
        study=visit.study,
        is_test=visit.is_test,
        hits=locked.session_hits,
        planned_seconds=locked.session_seconds or 0.0,
        reward=reward,
        kept_until=database_now() + IDLE,
    )


def _may_work(campaign: Campaign, worker: Worker) -> bool:
    door = crowd_of(campaign).door
    return (
        campaign.state == State.OPEN
        and door is not None
        and not door.barred(campaign, worker)
        and is_eligible(campaign, worker)
        and not Stop.objects.filter(campaign=campaign, worker=worker).exists()
        and may_begin_another(campaign, worker)
        and has_work(campaign, worker)
        and money.needs_another(campaign)
    )
