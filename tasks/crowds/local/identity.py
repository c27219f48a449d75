"""Who is the worker on the local crowd: an invitation, a signed cookie, or a newcomer.

A worker's identity decides which HITs he has already answered, so it is never taken from a plain
parameter: an invitation link is signed for one campaign and one name, the cookie is signed, and
an assignment's token is a secret that only its worker was given.
"""

import secrets

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tasks.models import Assignment, Campaign, Worker
from tasks.models.campaign import State

CROWD = "local"
COOKIE = "worker"
COOKIE_SALT = "tasks.identity.cookie"
INVITATION_SALT = "tasks.identity.invitation"
A_YEAR = 365 * 24 * 3600  # seconds
LONGEST_TOKEN = 200  # characters


class BadInvitation(Exception):
    """An invitation whose signature is not ours, or that is for another campaign."""


def invitation_path(campaign: Campaign, external_id: str) -> str:
    """The address, below the site's, at which whoever opens it works as `external_id`."""
    token = signing.dumps([campaign.public_id, external_id], salt=INVITATION_SALT)
    return f"{reverse('tasks:campaign', args=[campaign.public_id])}?invitation={token}"


def worker_of(request: HttpRequest, campaign: Campaign) -> Worker | None:
    """The worker behind a request for work; somebody new becomes a new pseudonymous worker.

    Looked at in this order: `invitation`, `after` (the token of an assignment of his in this
    campaign, for browsers without cookies), the cookie. None: somebody new, and the campaign is
    not open. Raises BadInvitation.
    """
    if token := request.GET.get("invitation"):
        return Worker.of(CROWD, _invited(token, campaign))
    if (done := assignment_of(request.GET.get("after"), campaign)) is not None:
        return done.worker
    if (known := _cookie(request)) is None and campaign.state != State.OPEN:
        return None
    return Worker.of(CROWD, known or f"visitor-{secrets.token_urlsafe(12)}")


def may_be(request: HttpRequest, worker: Worker) -> bool:
    """False where the browser says that it is another worker's: the token alone is then not enough.

    Where it says nothing (no cookie, as in a frame) the assignment's token has to do.
    """
    known = _cookie(request)
    return worker.crowd != CROWD or known is None or known == worker.external_id


def remember(request: HttpRequest, response: HttpResponse, worker: Worker) -> None:
    """Let the browser come back as the same worker."""
    response.set_signed_cookie(
        COOKIE,
        worker.external_id,
        salt=COOKIE_SALT,
        max_age=A_YEAR,
        httponly=True,
        secure=request.is_secure(),
        samesite="Lax",
    )


def assignment_of(token: str | None, campaign: Campaign) -> Assignment | None:
    """The campaign's assignment of that token, or None."""
    if not token or len(token) > LONGEST_TOKEN or not token.isprintable():
        return None
    return (
        Assignment.objects.select_related("worker").filter(campaign=campaign, token=token).first()
    )


def _cookie(request: HttpRequest) -> str | None:
    return request.get_signed_cookie(COOKIE, default=None, salt=COOKIE_SALT, max_age=A_YEAR)


def _invited(token: str, campaign: Campaign) -> str:
    try:
        public_id, external_id = signing.loads(token, salt=INVITATION_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadInvitation from error
    if public_id != campaign.public_id:
        raise BadInvitation
    return external_id
