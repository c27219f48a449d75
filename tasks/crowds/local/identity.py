"""The local crowd's door: an invitation, a personal link, a cookie, or a visitor (V1 to V3, V5).

A worker's identity decides which HITs they have already answered, so it never comes from a plain
parameter: an invitation's secret is known to whoever was sent it, the personal link and the cookie
are signed, and an assignment's token is a secret that only its worker was given.
"""

import contextlib
import secrets
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from imagesets.clock import Now
from tasks.crowds import BadVisit, Farewell
from tasks.crowds.local import invitations
from tasks.crowds.local.invitations import NAME
from tasks.crowds.local.networks import is_full, network_of
from tasks.crowds.tokens import work_of
from tasks.models import Arrival, Assignment, Campaign, Session, Worker
from tasks.models.assignment import USED
from tasks.models.campaign import OpenTo, State

COOKIE = "worker"
COOKIE_SALT = "tasks.identity.cookie"
SIGNED_SALT = "tasks.identity.invitation"  # of links made before invitations were kept
VISIT_SALT = "tasks.identity.visit"
LINK_SALT = "tasks.identity.link"
A_YEAR = 365 * 24 * 3600  # seconds
BY_INVITATION = _(
    "This study is by invitation. Open the link that you were sent; if you have none, ask the"
    " people who run the study for one."
)
TOO_MANY = _(
    "Many people have begun this work from your network without an invitation, so the study lets"
    " no more of them in at present. Ask the people who run the study for an invitation, or try"
    " again in an hour."
)

BROKEN_LINK = _(
    "This personal link is not valid. Copy the whole link, or open the study in the browser in"
    " which you worked before."
)
OLD_LINK = _(
    "This personal link is more than a year old and has expired. Open the study in the browser in"
    " which you worked before, or ask the people who run it."
)

PARAMETERS = ("invitation", "me", "after")


def parameters(campaign: Campaign) -> tuple[str, ...]:
    """What its links may carry, which "Begin" sends on."""
    return PARAMETERS


def vouched(request: HttpRequest, campaign: Campaign) -> dict[str, str]:
    """Nothing: its links say by themselves who comes."""
    return {}


def link(campaign: Campaign, external_id: str) -> str:
    """An invitation of one use: whoever opens it works as `external_id`."""
    return invitations.named(campaign, external_id)


def worker_of(request: HttpRequest, campaign: Campaign) -> Worker | None:
    """The worker that the request proves to be; None: a stranger, who may be let in.

    The first of these decides: `invitation`; `me`, from their personal link; `after`, the token of
    one of their assignments in this campaign, for browsers without cookies; the cookie; `visit`,
    if its form was sent before.
    Makes nobody and uses nothing up. Raises BadVisit where the campaign has no work for whoever
    comes, and says what to do.
    """
    if (secret := _given(request, "invitation")) and ":" in secret:
        return Worker.objects.filter(crowd=NAME, external_id=_signed(secret, campaign)).first()
    if secret:
        return invitations.bearer(invitations.find(secret, campaign), _known(request))
    worker = _proven(request, campaign)
    if campaign.state == State.OPEN:
        _check(campaign, worker)
    return worker


def admit(request: HttpRequest, campaign: Campaign) -> Worker:
    """Who begins: the worker that the request proves to be, or a new one. Raises BadVisit.

    The caller's transaction also takes the HIT: until it ends the network or the invitation is
    held, so that nobody else who begins at the same moment is overlooked.
    """
    network = network_of(request.META.get("REMOTE_ADDR", ""))
    if (secret := _given(request, "invitation")) and ":" in secret:
        return _admit_visitor(campaign, Worker.of(NAME, _signed(secret, campaign)), network)
    if secret:
        return invitations.redeem(secret, campaign, _known(request), _new_id(request), network)
    worker = _proven(request, campaign)
    _check(campaign, worker)
    if worker is not None and _arrived_invited(campaign, worker):
        return worker
    if worker is None and campaign.state != State.OPEN:
        raise BadVisit(invitations.NOT_OPEN)
    return _admit_visitor(campaign, worker, network, _new_id(request))


def begins_as(request: HttpRequest, campaign: Campaign, visit: str) -> str:
    """The id of whoever presses "Begin" on a page whose form has this `visit`.

    "" where only the token of an assignment says who it is: that stands for its worker in one
    campaign, a personal link in all. Raises BadVisit.
    """
    secret = _given(request, "invitation")
    if ":" in secret:
        return _signed(secret, campaign)
    if secret:
        invitation = invitations.find(secret, campaign)
        worker = invitations.begins_as(invitation, _known(request))
    else:
        worker = _proven(request, campaign)
        if worker is not None and not (_linked(request) or remembers(request, worker)):
            return ""
    return worker.external_id if worker is not None else _linked(request) or _visitor_id(visit)


def personal_link(campaign: Campaign, external_id: str) -> str:
    """The address, below the site's, by which that worker comes back on any device, for a year."""
    address = reverse("tasks:campaign", args=[campaign.public_id])
    return f"{address}?{urlencode(proof(external_id))}"


def proof(external_id: str) -> dict[str, str]:
    """What addresses carry to prove that this worker comes: a signature, good for a year."""
    return {"me": signing.TimestampSigner(salt=LINK_SALT).sign(external_id)}


def remembers(request: HttpRequest, worker: Worker) -> bool:
    """Whether the browser's cookie names the worker."""
    return worker.crowd == NAME and _cookie(request) == worker.external_id


def carried(request: HttpRequest, worker: Worker | None) -> dict[str, str]:
    """What addresses carry on for whoever came by their personal link into another browser.

    {} where the browser remembers them, or they came otherwise.
    """
    me = _given(request, "me")
    return {"me": me} if me and not (worker and remembers(request, worker)) else {}


def visitor(request: HttpRequest) -> Worker | None:
    """The worker who looks at the list of studies, if they are known. Raises BadVisit."""
    return _known(request)


def vouches_for(campaign: Campaign, worker: Worker) -> bool:
    """Whether an invitation of one use names the worker: such an identity is not made at will."""
    return worker.crowd == NAME and invitations.vouched(campaign, worker)


def barred(campaign: Campaign, worker: Worker) -> str:
    """Why the worker gets no further HIT, in a sentence: their invitation lapsed. "": they do."""
    return invitations.barred(campaign, worker)


def session(request: HttpRequest, campaign: Campaign) -> None:
    """None: each HIT is paid by itself."""


def leaves(session: Session) -> Farewell:
    """Nothing but the site's own words: nobody waits for a code of theirs."""
    return Farewell()


def open_to(request: HttpRequest) -> Q:
    """Which campaigns are open to the visitor: for anyone, and those that they were invited to."""
    allowed = Q(open=OpenTo.ANYONE)
    if (worker := _known(request)) is not None:
        allowed |= Q(pk__in=invitations.invited_to(worker).values("campaign"))
    return allowed


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


def _cookie(request: HttpRequest) -> str | None:
    known = request.get_signed_cookie(COOKIE, default=None, salt=COOKIE_SALT, max_age=A_YEAR)
    return known or _cookie_of_before(request)


def _cookie_of_before(request: HttpRequest) -> str | None:
    """A visitor's cookie from before the site had a key of its own; `remember` renews it.

    Everybody knows that earlier key, so it vouches only for names that nobody can guess.
    """
    for key in settings.EARLIER_SECRET_KEYS:
        signer = signing.TimestampSigner(
            key=b"django.http.cookies" + key.encode(), fallback_keys=[], salt=COOKIE + COOKIE_SALT
        )
        with contextlib.suppress(signing.BadSignature):
            name = signer.unsign(request.COOKIES.get(COOKIE, ""), max_age=A_YEAR)
            return name if name.startswith("visitor-") else None
    return None


def _linked(request: HttpRequest) -> str:
    """The id that a personal link names, perhaps of somebody still to begin; "": there is no link.

    Raises BadVisit if the link was not made by this site, or more than a year ago.
    """
    if not (me := _given(request, "me")):
        return ""
    try:
        return signing.TimestampSigner(salt=LINK_SALT).unsign(me, max_age=A_YEAR)
    except signing.SignatureExpired:
        raise BadVisit(OLD_LINK) from None
    except signing.BadSignature:
        raise BadVisit(BROKEN_LINK) from None


def _known(request: HttpRequest) -> Worker | None:
    """The worker of the personal link or of the cookie, or who has sent this form before."""
    visit = request.POST.get("visit")
    for name in (_linked(request), _cookie(request), _visitor_id(visit) if visit else ""):
        worker = Worker.objects.filter(crowd=NAME, external_id=name).first() if name else None
        if worker is not None:
            return worker
    return None


def _new_id(request: HttpRequest) -> str:
    """The id of somebody new: of their personal link, or from the form's `visit`.

    So whatever is sent twice makes one worker.
    """
    return _linked(request) or _visitor_id(request.POST.get("visit") or secrets.token_urlsafe())


def _visitor_id(visit: str) -> str:
    return "visitor-" + salted_hmac(VISIT_SALT, visit, algorithm="sha256").hexdigest()[:24]


def _proven(request: HttpRequest, campaign: Campaign) -> Worker | None:
    """The worker by their personal link, the token of some work of theirs, or the cookie."""
    token = "" if _given(request, "me") else _given(request, "after")
    if (done := work_of(token, campaign)) is not None:
        return done.worker
    return _known(request)


def _check(campaign: Campaign, worker: Worker | None) -> None:
    """Raises BadVisit if they may not come in without showing an invitation."""
    if worker is not None and invitations.has_open_hit(campaign, worker):
        return
    if worker is not None and (reason := barred(campaign, worker)):
        raise BadVisit(reason)
    if campaign.open == OpenTo.ANYONE:
        return
    if worker is None or not _arrived_invited(campaign, worker):
        raise BadVisit(BY_INVITATION)


def _arrived_invited(campaign: Campaign, worker: Worker) -> bool:
    return Arrival.objects.filter(
        campaign=campaign, worker=worker, invitation__isnull=False
    ).exists()


def _admit_visitor(
    campaign: Campaign, worker: Worker | None, network: str, new_id: str = ""
) -> Worker:
    """Let somebody in without an invitation, as far as the limits of their network allow.

    Whoever has a HIT open goes on with it, and whoever has given a used answer is not counted.
    """
    if worker is not None and invitations.has_open_hit(campaign, worker):
        return worker
    with transaction.atomic():
        counts = worker is None or not Assignment.objects.filter(USED, worker=worker).exists()
        if counts and is_full(network, worker.pk if worker is not None else None):
            raise BadVisit(TOO_MANY)
        worker = worker or Worker.of(NAME, new_id)
        Arrival.objects.update_or_create(
            campaign=campaign,
            worker=worker,
            defaults={"network": network, "is_visitor": counts, "begun_at": Now()},
        )
        return worker


def _signed(token: str, campaign: Campaign) -> str:
    """The id that a link of earlier days names; only campaigns of those days have such links."""
    try:
        public_id, external_id = signing.loads(token, salt=SIGNED_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadVisit(invitations.UNKNOWN) from None
    if public_id != campaign.public_id or campaign.open != OpenTo.ANYONE:
        raise BadVisit(invitations.OF_ANOTHER)
    return external_id
