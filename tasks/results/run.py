"""One aggregation of a campaign: one snapshot in, one transaction out."""

import logging
import time

from imagesets.locks import Lock, alone
from tasks.models import Campaign, Run
from tasks.models.campaign import Kind
from tasks.results import classify, contains
from tasks.results.habits import replace_habits
from tasks.results.snapshot import Snapshot
from tasks.results.store import Answers, current_answers
from tasks.results.version import code_version
from tasks.sql.snapshots import on_one_snapshot

log = logging.getLogger(__name__)

COMPUTED = ("counts", "agreement", "convergence", "notes")


def aggregate(campaign: Campaign) -> Run:
    """Compute and store the results of a campaign's used answers; returns the run's row.

    A run reads one snapshot and writes in its transaction, so readers never see half a run. A
    second run waits for the first. Only answers that changed since the last run are read again
    (`counts["read"]` assignments). If nothing changed, the results stay traced to the run that
    computed them, and the new run's row repeats its numbers.

    Inside a caller's transaction the run is part of it, with its isolation level.
    """
    started = time.monotonic()
    with alone(Lock.AGGREGATION, campaign.pk):
        with on_one_snapshot() as cursor:
            run, answers = _aggregate(cursor, campaign, started)
        answers.forget_others()
        replace_habits(campaign)
    for note in run.notes:
        log.warning("campaign %s: %s", campaign.slug, note)
    return run


def _aggregate(cursor, campaign: Campaign, started: float) -> tuple[Run, Answers]:
    """The run in the cursor's transaction, begun at `started` (monotonic seconds)."""
    kind = contains if campaign.kind == Kind.CONTAINS else classify
    last = campaign.runs.first()
    snapshot = Snapshot.of(cursor)
    run = Run.objects.create(campaign=campaign, version=code_version(), watermark=snapshot.least)
    answers = current_answers(cursor, campaign, run, snapshot)
    asked = kind.read_asked(cursor, campaign)
    run.settings = kind.SETTINGS | {"maybe": campaign.maybe, "asked": asked.digest}
    same = last is not None and (last.version, last.settings) == (run.version, run.settings)
    if last is not None and same and answers.unchanged:
        for name in COMPUTED:
            setattr(run, name, getattr(last, name))
    else:
        summary = kind.write_results(cursor, run, asked, answers, everything=not same)
        for name in COMPUTED:
            setattr(run, name, getattr(summary, name))
    run.counts = run.counts | {"read": answers.read}
    run.seconds = time.monotonic() - started
    run.save()
    return run, answers
