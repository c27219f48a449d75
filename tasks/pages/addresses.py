"""Where the workers' pages lead: the address of a HIT's page, of the thanks, of more work."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from tasks.crowds import Door
from tasks.models import Assignment, Campaign, PracticeTry, Session, Work
from tasks.models.campaign import State
from tasks.pages.languages import chosen

NOTHING = "nothing"  # in a campaign's address: there was no work when the worker asked for some
SESSION = "session"  # in the address of a session's page: its token
AGAIN = "again"  # in the address of the thanks: the answer had been stored before


def hit_address(assignment: Assignment) -> str:
    """The page of an assignment; the token in its address lets its worker in."""
    return _address("hit", assignment.hit.public_id, {"assignmentId": assignment.token or ""})


def practice_address(attempt: PracticeTry) -> str:
    """The page of a try at the practice; the token in its address lets its worker in."""
    return _address("practice", attempt.campaign.public_id, {"assignmentId": attempt.token})


def session_address(session: Session) -> str:
    """Where a session stands, or how it ended; its token lets its worker in."""
    return _address("session", session.campaign.public_id, {SESSION: session.token})


def thanks_address(done: Work) -> str:
    """The thanks for work that was answered or given back."""
    return _address("thanks", done.campaign.public_id, {"assignmentId": done.token or ""})


def repeated_address(done: Assignment) -> str:
    """The thanks for an answer that was sent once more; whether there is more work is open."""
    return _address(
        "thanks", done.campaign.public_id, {"assignmentId": done.token or "", AGAIN: "1"}
    )


def campaign_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The campaign's page, with parameters that say who comes."""
    return _address("campaign", campaign.public_id, parameters)


def carried_on(request: HttpRequest, campaign: Campaign, door: Door) -> dict[str, str]:
    """What the link says of who comes: from the page's address into its form, and back."""
    given = request.POST if request.method == "POST" else request.GET
    said = {name: given[name] for name in door.parameters(campaign) if given.get(name)}
    return {**said, **door.vouched(request, campaign), **chosen()}


def nothing_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The campaign's page that says why there is no work, with parameters that say who comes."""
    return campaign_address(campaign, {**parameters, NOTHING: "1"})


def consent_address(campaign: Campaign, parameters: Mapping[str, str]) -> str:
    """The text that a worker is asked to agree to, with parameters that say who comes."""
    return _address("consent", campaign.public_id, parameters)


def more_address(campaign: Campaign, done: Work | None) -> str:
    """The campaign's page; `done` tells it who comes, for browsers without cookies."""
    token = done.token if done is not None else None
    return campaign_address(campaign, {"after": token} if token else {})


def way_on(campaign: Campaign, done: Work | None = None) -> str:
    """Where whoever has this work may find other work, or their session's end; "": nowhere.

    Whoever is in a session needs a way back to where they came from, whatever has become of the
    study.
    """
    in_session = done is not None and done.session_id is not None
    return more_address(campaign, done) if in_session or campaign.state == State.OPEN else ""


def list_address(parameters: Mapping[str, str]) -> str:
    """The list of studies, with parameters that say who looks."""
    return _address("campaigns", "", parameters)


def absolute(request: HttpRequest, path: str) -> str:
    """A path as somebody can keep it: below PUBLIC_URL, or where they reach the site now."""
    return settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _address(page: str, public_id: str, parameters: Mapping[str, str]) -> str:
    """A page's path, with these parameters and the language that the worker chose."""
    path = reverse(f"tasks:{page}", args=[public_id] if public_id else [])
    query = urlencode({**parameters, **chosen()})
    return f"{path}?{query}" if query else path
