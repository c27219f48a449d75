"""Which sessions are rejected: those of workers stopped for carelessness, as rule S8 allows."""

from collections.abc import Sequence

from tasks.crowds import SessionMarket
from tasks.models import Assignment, Campaign, Session, Stop
from tasks.models.assignment import Outcome
from tasks.work.review import FEEDBACK
from tasks.work.skills import Verdict, careless_workers


def rejectable(
    campaign: Campaign, market: SessionMarket, sessions: Sequence[Session]
) -> list[tuple[Session, Verdict]]:
    """Those of the sessions, which were done and handed in, and what was found of their workers.

    None of which a person or an earlier sync has accepted an answer.
    """
    if not campaign.rejection or not sessions:
        return []
    workers = [session.worker_id for session in sessions]
    stopped = set(
        Stop.objects.filter(campaign=campaign, worker__in=workers).values_list("worker", flat=True)
    )
    theirs = Assignment.objects.filter(session__in=[s for s in sessions if s.worker_id in stopped])
    accepted = set(theirs.filter(outcome=Outcome.ACCEPTED).values_list("session", flat=True))
    verdicts = careless_workers(campaign, theirs) if stopped else {}
    found = []
    for session in sessions:
        verdict = verdicts.get(session.worker_id) if session.worker_id in stopped else None
        if verdict is None or not verdict.may_be_rejected or session.pk in accepted:
            continue
        if market.may_reject(session, verdict.failed):
            found.append((session, verdict))
    return found


def feedback_of(verdict: Verdict) -> str:
    """What the worker is told."""
    return FEEDBACK.format(what=verdict.reason)
