"""The local crowd's door: an invitation, a signed cookie, or a newcomer.

A worker's identity decides which HITs they have already answered, so it never comes from a plain
parameter: an invitation is signed for one campaign and one name, the cookie is signed, and an
assignment's token is a secret that only its worker was given.
"""

import secrets

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from tasks.crowds import BadVisit
from tasks.crowds.tokens import assignment_of
from tasks.models import Campaign, Worker

NAME = "local"
COOKIE = "worker"
COOKIE_SALT = "tasks.identity.cookie"
INVITATION_SALT = "tasks.identity.invitation"
VISIT_SALT = "tasks.identity.visit"
A_YEAR = 365 * 24 * 3600  # seconds
BAD_INVITATION = "This invitation is not valid. Copy the whole link, or ask for a new one."

listed = True
parameters: tuple[str, ...] = ("invitation", "after")


def link(campaign: Campaign, external_id: str) -> str:
    """An invitation: whoever opens it works as `external_id`."""
    token = signing.dumps([campaign.public_id, external_id], salt=INVITATION_SALT)
    return f"{reverse('tasks:campaign', args=[campaign.public_id])}?invitation={token}"


def worker_of(request: HttpRequest, campaign: Campaign) -> Worker | None:
    """The worker that the request proves to be; None: a stranger.

    The first of these decides: `invitation`; `after`, the token of one of their assignments in
    this campaign, for browsers without cookies; the cookie. Raises BadVisit for an invitation that
    the site did not sign for this campaign.
    """
    if token := _given(request, "invitation"):
        return Worker.objects.filter(crowd=NAME, external_id=_invited(token, campaign)).first()
    if (done := assignment_of(_given(request, "after"), campaign)) is not None:
        return done.worker
    name = _cookie(request) or _visitor(request)
    return Worker.objects.filter(crowd=NAME, external_id=name).first()


def admit(request: HttpRequest, campaign: Campaign) -> Worker:
    """Who begins: the worker that the request proves to be, or a new one. Raises BadVisit."""
    if worker := worker_of(request, campaign):
        return worker
    if token := _given(request, "invitation"):
        return Worker.of(NAME, _invited(token, campaign))
    return Worker.of(NAME, _visitor(request) or f"visitor-{secrets.token_urlsafe(12)}")


def vouches_for(campaign: Campaign, worker: Worker) -> bool:
    """Whether an invitation names the worker: nobody makes such an identity at will."""
    return not worker.external_id.startswith("visitor-")


def may_be(request: HttpRequest, worker: Worker) -> bool:
    """False where the browser's cookie names another worker: the token alone is then not enough.

    Where there is no cookie, as in a frame, the assignment's token is enough.
    """
    known = _cookie(request)
    return worker.crowd != NAME or known is None or known == worker.external_id


def remember(request: HttpRequest, response: HttpResponse, worker: Worker) -> None:
    """Let the browser come back as the same worker, for a year."""
    response.set_signed_cookie(
        COOKIE,
        worker.external_id,
        salt=COOKIE_SALT,
        max_age=A_YEAR,
        httponly=True,
        secure=request.is_secure(),
        samesite="Lax",
    )


def _given(request: HttpRequest, name: str) -> str:
    return request.POST.get(name) or request.GET.get(name) or ""


def _visitor(request: HttpRequest) -> str | None:
    """The id of the worker whom this form makes, however often it is sent."""
    if not (visit := request.POST.get("visit")):
        return None
    return f"visitor-{salted_hmac(VISIT_SALT, visit, algorithm='sha256').hexdigest()[:24]}"


def _cookie(request: HttpRequest) -> str | None:
    return request.get_signed_cookie(COOKIE, default=None, salt=COOKIE_SALT, max_age=A_YEAR)


def _invited(token: str, campaign: Campaign) -> str:
    try:
        public_id, external_id = signing.loads(token, salt=INVITATION_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadVisit(BAD_INVITATION) from None
    if public_id != campaign.public_id:
        raise BadVisit(BAD_INVITATION)
    return external_id
