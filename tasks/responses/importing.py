"""Imports a file of judgments in one transaction: all of it or nothing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import BinaryIO

from django.db import connection, transaction

from imagesets.columns import named_columns
from imagesets.locks import Lock, take_until_commit
from tasks.campaigns.freezing import freeze_groups
from tasks.models import Campaign, Transition
from tasks.models.campaign import Kind, State
from tasks.models.refused import Refused
from tasks.responses import staging
from tasks.responses.checks import check
from tasks.responses.described import Described
from tasks.responses.errors import Problems, refuse_any
from tasks.responses.judgment_reader import OPTIONAL, REQUIRED, JudgmentReader
from tasks.responses.named_images import find_images
from tasks.responses.reading import read_judgments
from tasks.responses.references import lock_images, lock_labels
from tasks.responses.resolving import resolve
from tasks.responses.storing import ImportedResponses, store
from tasks.results.news import IMPORT, IMPORTED
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

    A campaign that was never published takes whatever HITs the file names; the first import into
    one with a source freezes its groups. A published one takes only answers to its own HITs; a
    closed one takes nothing new. Raises ResponsesRefused with the errors by row, each kind once, or
    Refused if the campaign's state forbids an import; nothing has changed then. If two imports into
    a campaign overlap, the second waits for the first.
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
        if note := find_images(cursor, campaign.dataset, problems):
            reader.table_notes.append(note)
        lock_images(cursor, campaign.dataset)
        # Workers before the campaign: all code takes these locks in this order.
        progress("checking", 0, rows)
        workers = staging.make_workers(cursor, campaign, reader.workers)
        campaign = Campaign.locked(campaign.pk)
        _check_allowed(campaign)
        counts = resolve(cursor, campaign, sections_by_label=campaign.kind == Kind.CONTAINS)
        check(cursor, campaign, counts, problems)
        refuse_any(problems)
        progress("checking", rows, rows)
        progress("storing", 0, rows)
        frozen = _freeze_source(campaign)
        stored = store(cursor, campaign, workers)
        imported = replace(stored, notes=[*reader.notes(), *frozen, *_not_drawn(campaign)])
        if imported.judgments:
            Transition.objects.create(
                campaign=campaign,
                subject=IMPORT,
                after=IMPORTED,
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
    source = _to_freeze(campaign)
    if source is not None and source.state not in (State.FINISHED, State.CLOSED):
        raise Refused(
            f"campaign {campaign.slug} follows {source.slug}, which is {source.state}: an import"
            " freezes its groups, so finish or close it first"
        )


def _to_freeze(campaign: Campaign) -> Campaign | None:
    """The source of a draft, if no import has frozen its groups yet."""
    frozen = campaign.state != State.DRAFT or campaign.campaign_images.exists()
    return None if frozen else campaign.source


def _freeze_source(campaign: Campaign) -> list[str]:
    """Freeze the groups of its source, if they are not yet; say so."""
    source = _to_freeze(campaign)
    if source is None:
        return []
    groups = freeze_groups(campaign, source)
    images = ", ".join(f"{n:,} {group}" for group, n in sorted(groups.items()))
    return [f"The groups of its source {source.slug} are frozen now: {images}."]


def _not_drawn(campaign: Campaign) -> list[str]:
    """What a draft with a source holds beyond what its settings would have asked."""
    if campaign.state != State.DRAFT or campaign.source is None:
        return []
    asked = campaign.campaign_images.filter(asked=True)
    notes = []
    if strangers := asked.filter(group="").count():
        notes.append(
            f"Images with answers that are not in its source, so of no group: {strangers:,}."
        )
    if undrawn := asked.filter(inclusion_probability=0).exclude(group="").count():
        notes.append(
            "Images with answers that its settings `follow_up` and `images` would never have asked:"
            f" {undrawn:,}."
        )
    return notes
