"""Where the workers' pages lead: the address of a HIT's page, of the thanks, of more work."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from tasks.crowds import Door
from tasks.models import Assignment, Campaign, PracticeTry

NOTHING = "nothing"  # in a campaign's address: there was no work when the worker asked for some


def hit_address(assignment: Assignment) -> str:
    """The page of an assignment; the token in its address lets its worker in."""
    query = urlencode({"assignmentId": assignment.token})
    return f"{reverse('tasks:hit', args=[assignment.hit.public_id])}?{query}"


def practice_address(attempt: PracticeTry) -> str:
    """The page of a try at the practice; the token in its address lets its worker in."""
    query = urlencode({"assignmentId": attempt.token})
    return f"{reverse('tasks:practice', args=[attempt.campaign.public_id])}?{query}"


def thanks_address(done: Assignment | PracticeTry) -> str:
    """The thanks for work that was answered or given back."""
    query = urlencode({"assignmentId": done.token})
    return f"{reverse('tasks:thanks', args=[done.campaign.public_id])}?{query}"


def campaign_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The campaign's page, with parameters that say who comes."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return reverse("tasks:campaign", args=[campaign.public_id]) + query


def carried_on(request: HttpRequest, door: Door) -> dict[str, str]:
    """What the link says of who comes: from the page's address into its form, and back."""
    given = request.POST if request.method == "POST" else request.GET
    return {name: given[name] for name in door.parameters if given.get(name)}


def nothing_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The campaign's page that says why there is no work, with parameters that say who comes."""
    return campaign_address(campaign, {**parameters, NOTHING: "1"})


def consent_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The text that a worker is asked to agree to, with parameters that say who comes."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return reverse("tasks:consent", args=[campaign.public_id]) + query


def more_address(campaign: Campaign, done: Assignment | PracticeTry | None) -> str:
    """The campaign's page; `done` tells it who comes, for browsers without cookies."""
    token = done.token if done is not None else None
    return campaign_address(campaign, {"after": token} if token else {})


def list_address(parameters: Mapping[str, str]) -> str:
    """The list of studies, with parameters that say who looks."""
    return reverse("tasks:campaigns") + (f"?{urlencode(parameters)}" if parameters else "")


def absolute(request: HttpRequest, path: str) -> str:
    """A path as somebody can keep it: below PUBLIC_URL, or where they reach the site now."""
    return settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)
