"""Where the workers' pages lead: the address of a HIT's page, of the thanks, of more work."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from tasks.models import Assignment, Campaign


def hit_address(assignment: Assignment) -> str:
    """The page of an assignment; the token in its address lets its worker in."""
    query = urlencode({"assignmentId": assignment.token})
    return f"{reverse('tasks:hit', args=[assignment.hit.public_id])}?{query}"


def thanks_address(done: Assignment) -> str:
    """The thanks for an assignment that was answered or given back."""
    query = urlencode({"assignmentId": done.token})
    return f"{reverse('tasks:thanks', args=[done.campaign.public_id])}?{query}"


def campaign_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The campaign's page, with parameters that say who comes."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return reverse("tasks:campaign", args=[campaign.public_id]) + query


def consent_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The text that a worker is asked to agree to, with parameters that say who comes."""
    return f"{reverse('tasks:consent', args=[campaign.public_id])}?{urlencode(parameters)}"


def more_address(campaign: Campaign, done: Assignment | None) -> str:
    """The campaign's page; `done` tells it who comes, for browsers without cookies."""
    token = done.token if done is not None else None
    return campaign_address(campaign, {"after": token} if token else {})


def list_address(parameters: Mapping[str, str]) -> str:
    """The list of studies, with parameters that say who looks."""
    return reverse("tasks:campaigns") + (f"?{urlencode(parameters)}" if parameters else "")


def absolute(request: HttpRequest, path: str) -> str:
    """A path as somebody can keep it: below PUBLIC_URL, or where they reach the site now."""
    return settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)
