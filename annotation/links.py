"""Where people begin a campaign: absolute addresses, to show to whoever runs the study."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from tasks.crowds import Note, crowd_of
from tasks.crowds.local.invitations import NAME as LOCAL
from tasks.models import Campaign
from tasks.models.campaign import OpenTo, State
from tasks.money.hourly import Shortfall


def link_of(request: HttpRequest, path: str) -> str:
    """A path as workers reach it: below PUBLIC_URL, or where the researcher reaches the site."""
    return settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


def door(campaign: Campaign) -> str | None:
    """The path of the page where people begin; None: a draft, or its crowd finds its own people."""
    if campaign.crowd != LOCAL or campaign.state == State.DRAFT:
        return None
    return reverse("tasks:campaign", args=[campaign.public_id])


def notes_of(
    request: HttpRequest, campaign: Campaign, short: Shortfall | None = None
) -> list[Note]:
    """What its crowd says of it to whoever runs the study, with addresses as workers reach them.

    short: by how much its sessions' pay falls short, where that is to be told too.
    """
    notes = [
        replace(note, copied=link_of(request, note.copied)) if note.copied.startswith("/") else note
        for note in crowd_of(campaign).notes(campaign)
    ]
    if short is not None:
        step = reverse("admin:tasks_campaign_difference", args=[campaign.pk])
        notes.append(Note("Sessions took longer than planned", str(short), address=step))
    return notes


def how_people_begin(campaign: Campaign, link: str, by_invitation: str) -> str:
    """What to send them, in a sentence; `link`: the campaign's own; `by_invitation`: how links are
    made for those who are invited."""
    if campaign.open == OpenTo.ANYONE:
        return f"Anyone may begin at {link}"
    return f"Its page is {link}, and people begin by invitation: {by_invitation}."
