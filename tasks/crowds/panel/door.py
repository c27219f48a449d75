"""The panel's door: an id in the address, which nobody can check beyond its form and a list.

The ids travel as hidden fields from page to page, so no cookie is needed. A browser that keeps one
comes back without them, and so does whoever has their personal link.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.crowds.crowd import BadVisit, Farewell, SessionVisit
from tasks.crowds.panel.addresses import NAME, panel_of, way_back, way_in
from tasks.crowds.remembering import Remembered
from tasks.models import Campaign, Session, Worker
from tasks.models.session import SessionOutcome

_remembered = Remembered(NAME)
remember, remembers = _remembered.remember, _remembered.remembers
may_be, proof, carried = _remembered.may_be, _remembered.proof, _remembered.carried
begins_as, personal_link = _remembered.begins_as, _remembered.personal_link
visitor, open_to = _remembered.visitor, _remembered.open_to

LONGEST = 200  # characters of an id
UNFILLED = re.compile(r"[{}%\[\]]")  # what a panel should have put an id in place of
NO_ID = gettext_lazy(
    "This address does not say who you are. Please open the study from the panel that sent you,"
    " not from a copy of its address."
)
NO_SESSION = gettext_lazy(
    "This address is cut short: it does not say for which session you come. Please open the study"
    " again from the panel that sent you."
)
ODD_ID = gettext_lazy(
    "The id in this address is not one of the panel's. Please open the study again from the panel"
    " that sent you."
)
NOT_LISTED = gettext_lazy(
    "This study is for certain people of the panel, and your id is not among them, so there is no"
    " work for you here. Thank you for coming."
)


def parameters(campaign: Campaign) -> tuple[str, ...]:
    """The panel's own parameters, a personal link's, and the token of some work."""
    panel = panel_of(campaign)
    own = [panel["id_param"], panel["session_param"], _remembered.parameter, "after"]
    return tuple(name for name in own if name)


def vouched(request: HttpRequest, campaign: Campaign) -> dict[str, str]:
    """Nothing: its links say by themselves who comes."""
    return {}


def link(campaign: Campaign, external_id: str) -> str:
    """The address by which the panel sends the worker of that id."""
    Worker.of(NAME, external_id)
    return way_in(campaign, external_id, f"session-of-{external_id}")


def worker_of(request: HttpRequest, campaign: Campaign) -> Worker | None:
    """The worker whom the panel's id, a personal link, some work's token or the cookie names.

    None: somebody new with an id. Raises BadVisit without an id, and for one that may not come.
    """
    if external_id := _given_id(request, campaign):
        return _remembered.named(external_id)
    if (worker := _remembered.known(request, campaign)) is None:
        raise BadVisit(str(NO_ID))
    _check(campaign, worker.external_id)
    return worker


def admit(request: HttpRequest, campaign: Campaign) -> Worker:
    """Who begins: the worker of the panel's id, made if new. Raises BadVisit."""
    if external_id := _given_id(request, campaign):
        return Worker.of(NAME, external_id)
    worker = worker_of(request, campaign)
    assert worker is not None  # without an id they are known, or refused
    return worker


def session(request: HttpRequest, campaign: Campaign) -> SessionVisit | None:
    """The session that the address names; where no parameter does, each person has one."""
    panel = panel_of(campaign)
    if external_id := _given_id(request, campaign):
        key = _given(request, panel["session_param"] or "") or external_id
        return SessionVisit(key, external_id)
    worker = None if panel["session_param"] else worker_of(request, campaign)
    return SessionVisit(worker.external_id, worker.external_id) if worker is not None else None


def vouches_for(campaign: Campaign, worker: Worker) -> bool:
    """Whether the panel's list names the worker: without one anybody makes up an id."""
    ids = panel_of(campaign).get("ids")
    return ids is not None and worker.external_id in ids


def barred(campaign: Campaign, worker: Worker) -> str:
    """Nothing: whoever came in may go on."""
    return ""


def leaves(session: Session) -> Farewell:
    """Back to the panel, by the address and the code of the session's outcome.

    No code says that it was left: the panel takes it for unfinished by itself.
    """
    if session.outcome == SessionOutcome.LEFT:
        return Farewell(_("If the panel still shows your session as open, please return it there."))
    address, code = way_back(session)
    if not address and not code:
        return Farewell()
    if session.outcome == SessionOutcome.DONE:
        text = _("Go back to the panel now: it counts your work as done only then.")
    else:
        text = _("Go back to the panel now, so that it knows.")
    return Farewell(text, address, _("Back to the panel"), code)


def _given(request: HttpRequest, name: str) -> str:
    return (request.POST.get(name) or request.GET.get(name) or "").strip() if name else ""


def _given_id(request: HttpRequest, campaign: Campaign) -> str:
    """The id in the address or form, checked; "": there is none. Raises BadVisit."""
    panel = panel_of(campaign)
    external_id = _given(request, panel["id_param"])
    if not external_id:
        return ""
    _check(campaign, external_id)
    if panel["session_param"]:
        key = _given(request, panel["session_param"])
        if not _is_plain(key):
            raise BadVisit(str(NO_SESSION))
    return external_id


def _check(campaign: Campaign, external_id: str) -> None:
    panel: Mapping[str, Any] = panel_of(campaign)
    pattern, ids = panel.get("id_pattern"), panel.get("ids")
    if not _is_plain(external_id) or (pattern and not re.fullmatch(pattern, external_id)):
        raise BadVisit(str(ODD_ID))
    if ids is not None and external_id not in ids:
        raise BadVisit(str(NOT_LISTED))


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isprintable() and not UNFILLED.search(text)
