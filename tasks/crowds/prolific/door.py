"""Prolific's door: participants come by the study's address, and go back with a completion code."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.crowds.crowd import BadVisit, Farewell, SessionVisit
from tasks.crowds.prolific.described import PARTICIPANT, SESSION, STUDY
from tasks.crowds.prolific.submissions import study_of
from tasks.crowds.prolific.visiting import SIGNED, Visitor, visitor_of
from tasks.crowds.rehearsals import is_loopback
from tasks.crowds.remembering import Remembered
from tasks.models import Campaign, Session, Worker
from tasks.models.session import SessionOutcome

NAME = "prolific"
SITE = "https://app.prolific.com"
COMPLETE = "/submissions/complete"
NOBODY = gettext_lazy("This study is for participants of Prolific. Please open it from there.")
_remembered = Remembered(NAME)
remember, remembers = _remembered.remember, _remembered.remembers
may_be, proof, carried = _remembered.may_be, _remembered.proof, _remembered.carried
begins_as, personal_link = _remembered.begins_as, _remembered.personal_link
visitor, open_to = _remembered.visitor, _remembered.open_to


def parameters(campaign: Campaign) -> tuple[str, ...]:
    """What Prolific adds to the address, what this site has signed, and some work's token."""
    return (PARTICIPANT, STUDY, SESSION, SIGNED, _remembered.parameter, "after")


def vouched(request: HttpRequest, campaign: Campaign) -> dict[str, str]:
    """What was checked of the visit, signed: "Begin" after a long text need not ask Prolific."""
    try:
        visitor = visitor_of(request, campaign)
    except BadVisit:
        return {}
    return {SIGNED: visitor.signed(campaign)} if visitor is not None else {}


def link(campaign: Campaign, external_id: str) -> str:
    """An address, signed by this site, at which that worker comes without Prolific."""
    Worker.of(NAME, external_id)
    return signed_link(campaign, Visitor(external_id, "", f"session-of-{external_id}"))


def signed_link(campaign: Campaign, visitor: Visitor) -> str:
    """The address, below the site's, for a visitor for whom this site vouches by itself."""
    address = reverse("tasks:campaign", args=[campaign.public_id])
    return f"{address}?{urlencode({SIGNED: visitor.signed(campaign)})}"


def worker_of(request: HttpRequest, campaign: Campaign) -> Worker | None:
    """The worker whom Prolific sent, or a personal link, some work's token or the cookie names.

    None: a participant who has not begun. Raises BadVisit for whoever did not come from Prolific.
    """
    if (visitor := visitor_of(request, campaign)) is not None:
        return _remembered.named(visitor.participant)
    if (worker := _remembered.known(request, campaign)) is None:
        raise BadVisit(str(NOBODY))
    return worker


def admit(request: HttpRequest, campaign: Campaign) -> Worker:
    """Who begins: the participant, made a worker if new. Raises BadVisit."""
    if (visitor := visitor_of(request, campaign)) is not None:
        return Worker.of(NAME, visitor.participant)
    worker = worker_of(request, campaign)
    assert worker is not None  # who was not sent is known, or refused
    return worker


def session(request: HttpRequest, campaign: Campaign) -> SessionVisit | None:
    """The submission for which the participant comes."""
    if (visitor := visitor_of(request, campaign)) is None:
        return None
    return SessionVisit(
        visitor.session, visitor.participant, visitor.study, is_test=visitor.is_test
    )


def vouches_for(campaign: Campaign, worker: Worker) -> bool:
    """Whether Prolific knows who it is: yes, of all that come in."""
    return worker.crowd == NAME


def barred(campaign: Campaign, worker: Worker) -> str:
    """Nothing: whoever came in may go on."""
    return ""


def leaves(session: Session) -> Farewell:
    """Back to Prolific, with the completion code of how the session ended.

    One that was left has none: the code of "done" is for whoever has done theirs.
    """
    if session.outcome == SessionOutcome.LEFT:
        text = _("If Prolific still shows your submission as open, please return it there.")
        return Farewell(text, _site(), _("Back to Prolific"))
    study = study_of(session)
    code = study.codes.get(session.outcome, "") if study is not None else ""
    if not code:
        return Farewell()
    if session.outcome == SessionOutcome.DONE:
        text = _("Go back to Prolific now: it counts your work as done only then.")
    else:
        text = _("Go back to Prolific now, so that it knows.")
    return Farewell(text, f"{_site()}{COMPLETE}?cc={code}", _("Back to Prolific"), code)


def _site() -> str:
    """Where participants go back to: Prolific's site, or that of the rehearsal."""
    address = settings.PROLIFIC_API_URL
    return address if is_loopback(address) else SITE
