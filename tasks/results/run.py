"""One aggregation of a campaign: one snapshot in, one transaction out."""

import contextlib
import logging
import time
from collections.abc import Iterator

from django.db import Error, connection, transaction

from tasks.models import Campaign, Run
from tasks.models.campaign import Kind
from tasks.results import classify, contains
from tasks.results.snapshot import Snapshot
from tasks.results.store import current_answers
from tasks.results.version import code_version

AGGREGATING = 7_001  # first key of the advisory lock; the second is the campaign's id
log = logging.getLogger(__name__)

COMPUTED = ("counts", "agreement", "convergence", "notes")


def aggregate(campaign: Campaign) -> Run:
    """Compute and store the results of a campaign's used answers; returns the run's row.

    All is read in one snapshot and written in its transaction: a reader sees what one run left,
    never half of it. Of two runs at once the second waits for the first. Only answers that changed
    since the last run are read again (`counts["read"]` assignments). Where nothing changed the
    results stay as they are, traced to the run that computed them, and the new run's row repeats
    its numbers.

    Inside a transaction of the caller's it is part of that, and as isolated.
    """
    started = time.monotonic()
    kind = contains if campaign.kind == Kind.CONTAINS else classify
    with _alone(campaign), connection.cursor() as cursor:
        last = campaign.runs.first()
        snapshot = Snapshot.of(cursor)
        run = Run.objects.create(
            campaign=campaign, version=code_version(), watermark=snapshot.least
        )
        answers = current_answers(cursor, campaign, run, snapshot)
        asked = kind.read_asked(cursor, campaign)
        run.settings = kind.SETTINGS | {"maybe": campaign.maybe, "asked": asked.digest}
        same = last is not None and (last.version, last.settings) == (run.version, run.settings)
        if last is not None and same and not answers.read:
            for name in COMPUTED:
                setattr(run, name, getattr(last, name))
        else:
            findings = kind.write_results(cursor, run, asked, answers, everything=not same)
            for name in COMPUTED:
                setattr(run, name, getattr(findings, name))
        run.counts = run.counts | {"read": answers.read}
        run.seconds = time.monotonic() - started
        run.save()
    answers.forget_older()
    for note in run.notes:
        log.warning("campaign %s: %s", campaign.slug, note)
    return run


@contextlib.contextmanager
def _alone(campaign: Campaign) -> Iterator[None]:
    """A transaction on one snapshot that no other aggregation of the campaign overlaps.

    The lock comes before the snapshot: who waited for it sees what the other has written.
    """
    keys = [AGGREGATING, campaign.pk]
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", keys)
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", keys)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET LOCAL jit = off")
            yield
    finally:
        with contextlib.suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)
