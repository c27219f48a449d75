"""The two addresses of a panel's people: by which they come, and by which they go back."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.urls import reverse

from tasks.crowds.panel.presets import placeholders
from tasks.models import Campaign, Session

NAME = "panel"
UNSET: dict[str, Any] = {"id_param": "participantId", "session_param": None}  # of a bare draft
WHOLE = re.compile("https?://")


def panel_of(campaign: Campaign) -> Mapping[str, Any]:
    """The campaign's setting `panel`."""
    return UNSET | (campaign.panel or {})


def way_in(campaign: Campaign, external_id: str, session: str) -> str:
    """The address, below the site's, by which the panel sends somebody."""
    panel = panel_of(campaign)
    names = {panel["id_param"]: external_id}
    if panel["session_param"]:
        names[panel["session_param"]] = session
    return f"{_path(campaign)}?{urlencode(names)}"


def address_to_paste(campaign: Campaign) -> str:
    """The address, below the site's, as the panel's form takes it: what ids stand for in it."""
    panel = panel_of(campaign)
    id_place, session_place = placeholders(panel["id_param"], panel["session_param"])
    query = f"{panel['id_param']}={id_place}"
    if panel["session_param"]:
        query += f"&{panel['session_param']}={session_place}"
    return f"{_path(campaign)}?{query}"


def way_back(session: Session) -> tuple[str, str]:
    """The address to which a session's worker goes back, and the code of its outcome; "": none.

    An outcome without a code has no address: what the panel takes for the end of the work is
    shown to nobody who has not done it.
    """
    panel = panel_of(session.campaign)
    code = panel.get("codes", {}).get(session.outcome)
    if code is None:
        return "", ""
    if WHOLE.match(code):
        return _filled(code, session, ""), ""
    return _filled(panel.get("completion_url", ""), session, code), code


def _filled(address: str, session: Session, code: str) -> str:
    for name, value in (
        ("{id}", session.worker.external_id),
        ("{session}", session.key),
        ("{code}", code),
    ):
        address = address.replace(name, quote(value, safe=""))
    return address


def origin_of(address: str) -> str:
    """Scheme, host and port of an address; "" if it has none."""
    parts = urlsplit(address.replace("{", "").replace("}", ""))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _path(campaign: Campaign) -> str:
    return reverse("tasks:campaign", args=[campaign.public_id])
