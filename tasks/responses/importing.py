"""Imports a file of judgments in one transaction: all of it or nothing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import BinaryIO

from django.db import connection, transaction

from imagesets.columns import named_columns
from imagesets.locks import Lock, take_until_commit
from tasks.models import Campaign, Transition
from tasks.models.campaign import Kind, State
from tasks.models.refused import Refused
from tasks.responses import staging
from tasks.responses.checks import check
from tasks.responses.described import Described
from tasks.responses.errors import Problems
from tasks.responses.judgment_reader import OPTIONAL, REQUIRED, JudgmentReader
from tasks.responses.reading import read_judgments
from tasks.responses.references import lock_images, lock_labels
from tasks.responses.resolving import resolve
from tasks.responses.storing import ImportedResponses, store
from tasks.work.rounds import finish_if_done

# progress(step, done, total): how much of a step is done; total None while unknown.
Progress = Callable[[str, int, int | None], None]


def import_responses(
    campaign: Campaign,
    file: BinaryIO,
    who: str,
    progress: Progress = lambda step, done, total: None,
    described: Described | None = None,
) -> ImportedResponses:
    """Add the judgments of a file (CSV, JSON lines, a JSON list, MTurk's batch results).

    `described`: what somebody says of another tool's file.

    A campaign that was never published takes whatever HITs the file names; a published one takes
    only answers to its own HITs; a closed one takes nothing new. Raises ResponsesRefused with the
    first twenty errors by row, or Refused if the campaign's state forbids an import; nothing has
    changed then. If two imports into a campaign overlap, the second waits for the first.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        take_until_commit(Lock.RESPONSES_IMPORT, campaign.pk)
        _check_allowed(campaign)
        staging.drop_tables(cursor)
        problems = Problems()
        lock_labels(cursor, campaign.dataset)
        reader = JudgmentReader(campaign, problems, described)
        rows = staging.stage(
            cursor,
            read_judgments(file, reader, problems),
            lambda done: progress("reading", done, None),
        )
        lock_images(cursor, campaign.dataset)
        # Workers before the campaign: all code takes these locks in this order.
        progress("checking", 0, rows)
        workers = staging.make_workers(cursor, campaign, reader.workers)
        campaign = Campaign.locked(campaign.pk)
        _check_allowed(campaign)
        counts = resolve(cursor, campaign, sections_by_label=campaign.kind == Kind.CONTAINS)
        check(cursor, campaign, counts, problems)
        problems.raise_any()
        progress("checking", rows, rows)
        progress("storing", 0, rows)
        imported = replace(store(cursor, campaign, workers), notes=reader.notes())
        if imported.judgments:
            Transition.objects.create(
                campaign=campaign,
                subject="responses",
                after="imported",
                who=who,
                why=f"{imported.judgments} judgments in {imported.assignments} new assignments",
            )
        staging.drop_tables(cursor)
        progress("storing", rows, rows)
    finish_if_done(campaign)
    return imported


def described_by(
    campaign: Campaign, columns: Iterable[str], choices: str | None = None, image_prefix: str = ""
) -> Described:
    """What somebody says of a file, as typed: FIELD=COLUMN, KEY,KEY,... Raises ImportRefused."""
    kind = Kind(campaign.kind)
    return Described(
        columns=named_columns(columns, (*REQUIRED[kind], *OPTIONAL[kind])),
        choices=tuple(key.strip() for key in choices.split(",")) if choices else (),
        image_prefix=image_prefix,
    )


def _check_allowed(campaign: Campaign) -> None:
    if campaign.state == State.DRAFT and campaign.source is not None:
        raise Refused(
            f"campaign {campaign.slug} follows {campaign.source.slug}: publish it before you import"
            " judgments (only a campaign without a source can be filled by import alone)"
        )
