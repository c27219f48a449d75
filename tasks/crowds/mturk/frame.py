"""The HIT's page in MTurk's frame: who comes, and how an answer goes on to MTurk.

Only the page's address says who comes, and MTurk signs nothing. What is stored under a worker's id
counts only once MTurk itself names that worker for the assignment (tasks/market/reconcile.py).
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from tasks.crowds import BadVisit, HandIn, Visit
from tasks.crowds.mturk.client import endpoint_of
from tasks.crowds.mturk.form_data import FIELD, as_json
from tasks.crowds.rehearsals import is_loopback
from tasks.models import Assignment, Campaign

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
SUBMIT = "/mturk/externalSubmit"
LIVE, SANDBOX = "https://www.mturk.com", "https://workersandbox.mturk.com"
WORKER_SITES = ["https://worker.mturk.com", SANDBOX]  # where Amazon sends the browser next
NAMES = ("assignmentId", "hitId", "workerId", "turkSubmitTo")
ID = re.compile("[A-Z0-9]{1,64}")  # of workers and of assignments


def visit(campaign: Campaign, given: Mapping[str, str]) -> Visit:
    """Who comes to the page, by the parameters that MTurk adds to its address."""
    key = given.get("assignmentId") or PREVIEW
    if key == PREVIEW:
        return Visit("", "", {})
    worker = given.get("workerId", "")
    if not _is_id(key) or not _is_id(worker):
        raise BadVisit(
            _("The address of this work is cut short. Open it again from the marketplace.")
        )
    origin = _submit_to(campaign, given.get("turkSubmitTo", ""))
    origins = [origin, *(WORKER_SITES if origin in (LIVE, SANDBOX) else [])]
    return Visit(key, worker, {name: given[name] for name in NAMES if given.get(name)}, origins)


def hand_in(assignment: Assignment, visit: Visit) -> HandIn:
    """MTurk's externalSubmit, with the answer as JSON in one field."""
    origin = _submit_to(assignment.campaign, visit.fields.get("turkSubmitTo", ""))
    return HandIn(
        action=origin + SUBMIT,
        fields={"assignmentId": visit.key, FIELD: as_json(assignment)},
    )


def _submit_to(campaign: Campaign, given: str) -> str:
    """The origin to hand in to. Raises BadVisit unless it is in MTURK_SUBMIT_ORIGINS."""
    if not given:
        endpoint = endpoint_of(campaign)
        if is_loopback(endpoint):
            return origin_of(endpoint) or endpoint
        return SANDBOX if campaign.sandbox else LIVE
    origin = origin_of(given)
    if origin is None or origin not in map(origin_of, settings.MTURK_SUBMIT_ORIGINS):
        raise BadVisit(
            _(
                "This study does not know the site to which this work would be handed in. Please"
                " return the work, and tell the requester."
            )
        )
    return origin


def origin_of(address: str) -> str | None:
    """Scheme, host and port of an address that consists of nothing else; None otherwise."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    plain = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def _is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None
