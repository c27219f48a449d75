"""What happened to an image: campaigns, reports of the picture, changes of its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from annotation.dashboards.log import entry_of
from annotation.explorer.answers import answers_about
from imagesets.models import Image
from models_inference.models import SkippedImage
from tasks.models import Campaign, CampaignImage, KnownAnswer, PictureReport, Transition

MOST = 50  # lines of one kind


@dataclass(frozen=True)
class Event:
    """A line of an image's history; `at` is None where nobody noted when."""

    at: datetime | None
    text: str


def history_of(image: Image, campaigns: Sequence[Campaign]) -> list[Event]:
    """The newest first; `campaigns`: those of the dataset that the user sees."""
    events = [
        *_campaigns(image, campaigns),
        *_reports(image, campaigns),
        *_known(image),
        *_withdrawals(image),
        *_changes(image, campaigns),
        *_skipped(image),
    ]
    dated = [event for event in events if event.at is not None]
    undated = [event for event in events if event.at is None]
    return sorted(dated, key=lambda event: event.at or datetime.max, reverse=True) + undated


def _campaigns(image: Image, campaigns: Sequence[Campaign]) -> list[Event]:
    rows = CampaignImage.objects.filter(image=image, campaign__in=campaigns)
    return [
        Event(row.campaign.published_at, _asked(row)) for row in rows.select_related("campaign")
    ]


def _asked(row: CampaignImage) -> str:
    what = f"{row.campaign.name} ({row.campaign.kind.upper()})"
    if not row.asked:
        text = f"Left out of {what}"
    elif row.campaign.published_at is None:
        text = f"In {what}, filled by import"
    else:
        text = f"Asked about in {what}"
    if row.group:
        text += f": group {row.group}"
        if 0 < row.inclusion_probability < 1:
            text += f", drawn with probability {row.inclusion_probability:g}"
    return text


def _reports(image: Image, campaigns: Sequence[Campaign]) -> list[Event]:
    rows = PictureReport.objects.filter(image=image, campaign__in=campaigns)
    events = []
    for row in rows.select_related("worker", "campaign")[:MOST]:
        reason = f": “{row.reason}”" if row.reason else ""
        events.append(
            Event(row.at, f"{row.worker.pseudonym} reported the picture{reason} ({row.campaign})")
        )
        if row.resolved_at is not None:
            events.append(Event(row.resolved_at, f"{row.resolved_by} resolved the report"))
    return events


def _known(image: Image) -> list[Event]:
    rows = KnownAnswer.objects.filter(image=image).select_related("label")
    return [
        Event(
            row.imported_at,
            f"Known answer imported: {row.label.names[0]} is"
            f" {'present' if row.present else 'absent'}",
        )
        for row in rows[:MOST]
    ]


def _withdrawals(image: Image) -> list[Event]:
    return [
        Event(
            row.at, f"{row.who} {'withdrew it' if row.withdrawn else 'brought it back'}: {row.why}"
        )
        for row in image.withdrawals.all()[:MOST]
    ]


def _changes(image: Image, campaigns: Sequence[Campaign]) -> list[Event]:
    """Changes of the answers that hold the image, but for those that every answer goes through."""
    answers = answers_about(image, campaigns)
    rows = Transition.objects.filter(assignment__in=answers, after__in=("rejected", "set aside"))
    overturned = Transition.objects.filter(
        assignment__in=answers, before="rejected", after="accepted"
    )
    events = []
    for row in (rows | overturned).select_related("assignment")[:MOST]:
        entry = entry_of(row)
        why = f" ({entry.why})" if entry.why else ""
        events.append(Event(entry.at, f"{entry.who}: {entry.what}{why}"))
    return events


def _skipped(image: Image) -> list[Event]:
    return [
        Event(row.created_at, f"No classifier could read it: {row.reason}")
        for row in SkippedImage.objects.filter(image=image)
    ]
