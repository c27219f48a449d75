"""How a browser, or a link, proves to be a worker's whose id anybody may have read."""

from urllib.parse import quote, unquote, urlencode

from django.core import signing
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tasks.crowds.crowd import BadVisit
from tasks.crowds.tokens import work_of
from tasks.models import Campaign, Worker
from tasks.models.session import SessionOutcome

A_YEAR = 365 * 24 * 3600  # seconds
BROKEN_LINK = _("This personal link is not valid. Copy the whole link.")


class Remembered:
    """The signed cookie and the signed links of one crowd's workers: that part of its `Door`."""

    def __init__(self, crowd: str) -> None:
        self.crowd = crowd
        self.cookie = f"worker-{crowd}"
        self.parameter = f"{crowd}-worker"  # in a personal link
        self.cookie_salt = f"tasks.crowds.{crowd}.cookie"
        self.link_salt = f"tasks.crowds.{crowd}.link"

    def by_cookie(self, request: HttpRequest) -> str | None:
        """The id of the worker whose browser it is, if it says so."""
        kept = request.get_signed_cookie(
            self.cookie, default=None, salt=self.cookie_salt, max_age=A_YEAR
        )
        return unquote(kept) if kept is not None else None

    def by_link(self, request: HttpRequest) -> str | None:
        """The id of the worker whom a personal link names; None: there is none. Raises BadVisit."""
        given = request.POST.get(self.parameter) or request.GET.get(self.parameter)
        if not given:
            return None
        try:
            return signing.TimestampSigner(salt=self.link_salt).unsign(given, max_age=A_YEAR)
        except signing.BadSignature:
            raise BadVisit(BROKEN_LINK) from None

    def named(self, external_id: str | None) -> Worker | None:
        """The worker of that id; None: there is none."""
        if not external_id:
            return None
        return Worker.objects.filter(crowd=self.crowd, external_id=external_id).first()

    def visitor(self, request: HttpRequest) -> Worker | None:
        """The worker whom a personal link or the browser names, if they exist. Raises BadVisit."""
        return self.named(self.by_link(request) or self.by_cookie(request))

    def known(self, request: HttpRequest, campaign: Campaign) -> Worker | None:
        """The worker whom a personal link, some work's token or the browser names.

        Raises BadVisit.
        """
        if (external_id := self.by_link(request)) is not None:
            return self.named(external_id)
        token = request.POST.get("after") or request.GET.get("after")
        if (done := work_of(token, campaign)) is not None:
            return done.worker
        return self.named(self.by_cookie(request))

    def begins_as(self, request: HttpRequest, campaign: Campaign, visit: str) -> str:
        """The id that a personal link names; nobody else needs one: who sent them does so again."""
        return self.by_link(request) or ""

    def personal_link(self, campaign: Campaign, external_id: str) -> str:
        """The address, below the site's, by which that worker comes back, for a year."""
        address = reverse("tasks:campaign", args=[campaign.public_id])
        return f"{address}?{urlencode(self.proof(external_id))}"

    def carried(self, request: HttpRequest, worker: Worker | None) -> dict[str, str]:
        """What addresses carry on for whoever came by their personal link into another browser."""
        external_id = self.by_link(request)
        if not external_id or (worker is not None and self.remembers(request, worker)):
            return {}
        return self.proof(external_id)

    def open_to(self, request: HttpRequest) -> Q:
        """None for strangers, who could not come in; else where somebody is in a session."""
        try:
            worker = self.visitor(request)
        except BadVisit:
            worker = None
        if worker is None:
            return Q(pk=None)
        running = worker.sessions.filter(outcome=SessionOutcome.RUNNING)
        return Q(pk__in=running.values("campaign"))

    def proof(self, external_id: str) -> dict[str, str]:
        """What an address carries to prove that this worker comes, good for a year."""
        return {self.parameter: signing.TimestampSigner(salt=self.link_salt).sign(external_id)}

    def remember(self, request: HttpRequest, response: HttpResponse, worker: Worker) -> None:
        """Let the browser come back as the same worker, for a year."""
        response.set_signed_cookie(
            self.cookie,
            quote(worker.external_id, safe=""),  # a header holds no letters but Latin ones
            salt=self.cookie_salt,
            max_age=A_YEAR,
            httponly=True,
            secure=request.is_secure(),
            samesite="Lax",
        )

    def remembers(self, request: HttpRequest, worker: Worker) -> bool:
        """Whether the browser itself proves to be the worker's."""
        return worker.crowd == self.crowd and self.by_cookie(request) == worker.external_id

    def may_be(self, request: HttpRequest, worker: Worker) -> bool:
        """False where the browser is known to be another worker's."""
        known = self.by_cookie(request)
        return worker.crowd != self.crowd or known is None or known == worker.external_id
