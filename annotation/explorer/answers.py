"""What each worker said of an image, by pseudonym: label by label, or in one answer."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from imagesets.models import Image
from tasks.models import Assignment, Campaign, HITItem

MOST = 1_000  # items of an image, and answers to them: an import may hold any number
SAID = ("selected", "maybe", "not selected", "not seen")


@dataclass(frozen=True)
class Said:
    """What one worker said of a label; `apart`: why it is in no result, or ""."""

    worker: str
    address: str  # of the worker's page
    said: str
    apart: str
    control: bool


@dataclass(frozen=True)
class Response:
    """CLASSIFY: one worker's answer. selected: ids of labels; main: an id, or None; `other`: what
    they typed."""

    worker: str
    address: str  # of the worker's page
    selected: list[int]
    main: int | None
    other: str
    seen: bool
    at: datetime
    apart: str


def said_of(image: Image, campaigns: Sequence[Campaign]) -> dict[tuple[int, int], list[Said]]:
    """By campaign and label (ids), what each worker said in CONTAINS, in order of submission."""
    items: dict[int, list[HITItem]] = defaultdict(list)
    rows = HITItem.objects.filter(image=image, hit__campaign__in=campaigns, label__isnull=False)
    for item in rows.order_by("pk")[:MOST]:
        items[item.hit_id].append(item)
    said: dict[tuple[int, int], list[Said]] = defaultdict(list)
    slugs = {campaign.pk: campaign.slug for campaign in campaigns}
    for answer in _answers_to(list(items)):
        address = _page_of(answer, slugs[answer.campaign_id])
        for item in items[answer.hit_id]:
            if item.position in answer.shown and item.label_id is not None:
                control = item.role == "control"
                said[answer.campaign_id, item.label_id].append(
                    Said(
                        answer.worker.pseudonym,
                        address,
                        _word(answer, item.position),
                        _apart(answer),
                        control,
                    )
                )
    return said


def responses_to(image: Image, campaign: Campaign) -> list[Response]:
    """What each worker answered in CLASSIFY, in order of submission."""
    rows = HITItem.objects.filter(image=image, hit__campaign=campaign)
    items = dict(rows.order_by("pk").values_list("hit_id", "position")[:MOST])
    responses = []
    for answer in _answers_to(list(items)):
        position = items[answer.hit_id]
        given = dict(zip(answer.shown, answer.answers or [], strict=False)).get(position) or {}
        responses.append(
            Response(
                answer.worker.pseudonym,
                _page_of(answer, campaign.slug),
                list(given.get("selected") or []),
                given.get("main"),
                given.get("other") or "",
                bool(given) and position not in answer.unseen,
                answer.submitted_at or answer.opened_at,
                _apart(answer),
            )
        )
    return responses


def answers_about(image: Image, campaigns: Sequence[Campaign]) -> list[int]:
    """Ids of the assignments whose HITs hold the image."""
    hits = HITItem.objects.filter(image=image, hit__campaign__in=campaigns).values_list("hit")
    return list(
        Assignment.objects.filter(hit__in=list({hit for (hit,) in hits[:MOST]})).values_list(
            "pk", flat=True
        )[:MOST]
    )


def _answers_to(hits: list[int]) -> list[Assignment]:
    answers = Assignment.objects.filter(hit__in=hits, submitted_at__isnull=False)
    return list(answers.select_related("worker").order_by("submitted_at", "sequence", "pk")[:MOST])


def _page_of(answer: Assignment, slug: str) -> str:
    return reverse("worker", args=[slug, answer.worker.pseudonym])


def _word(answer: Assignment, position: int) -> str:
    if position in answer.unseen:
        return "not seen"
    if position in answer.maybe:
        return "maybe"
    return "selected" if position in answer.selected else "not selected"


def _apart(answer: Assignment) -> str:
    """Why an answer is in no result; "" if it is used."""
    if answer.used:
        return ""
    if answer.set_aside:
        return "set aside"
    if answer.state != "submitted":
        return str(answer.get_state_display())
    return "rejected" if answer.outcome == "rejected" else "waits for review"
