"""A campaign's log: who changed what, when and why; settings with both their values."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.models import RightsChange
from annotation.rights import OWN, VIEW, may
from annotation.rights.pages import needs
from tasks.models import Campaign, Transition

ON_A_PAGE = 50
LATEST = 5


@dataclass(frozen=True)
class Entry:
    """One line of the log. `before`, `after`: the values of a setting that was changed."""

    at: datetime
    who: str
    what: str
    why: str = ""
    before: str = ""
    after: str = ""


def entry_of(row: Transition | RightsChange) -> Entry:
    """A stored change in a sentence."""
    if isinstance(row, RightsChange):
        return Entry(row.at, row.who, f"{row.whom} {row.what}")
    values = _values(row.why) if row.subject.startswith("setting ") else None
    if values is not None:
        return Entry(row.at, row.who, f"{row.subject} changed", "", *values)
    whom = f" {row.assignment.key}" if row.assignment else ""
    step = f"{row.before} to {row.after}" if row.before else row.after
    return Entry(row.at, row.who, f"{row.subject}{whom}: {step}", row.why)


def _values(text: str) -> tuple[str, str] | None:
    """Both values of a changed setting, as they are written in a campaign's JSON."""
    try:
        both = json.loads(text)
        before, after = (json.dumps(both[when], ensure_ascii=False) for when in ("before", "after"))
    except (ValueError, KeyError, TypeError):
        return None
    return before, after


def latest_changes(campaign: Campaign) -> list[Entry]:
    """The newest entries about the campaign itself, for its page (pieces/campaign_log.html)."""
    return [entry_of(row) for row in campaign.transitions.filter(assignment=None)[:LATEST]]


@needs(VIEW, Campaign)
@require_safe
@never_cache
def campaign_log(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The log, the newest first: of the campaign, with ?of=answers of its answers, ?of=rights."""
    sees_rights = may(request.user, OWN, campaign)
    of = request.GET.get("of", "campaign")
    rows: Any
    if of == "rights" and sees_rights:
        rows = RightsChange.objects.filter(campaign=campaign)
    elif of == "answers":
        rows = campaign.transitions.exclude(assignment=None).select_related("assignment")
    else:
        of, rows = "campaign", campaign.transitions.filter(assignment=None)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: ON_A_PAGE + 1])  # an answers' log may be long: nothing counts it
    kinds = [("campaign", "The campaign"), ("answers", "Its answers")]
    context = admin.site.each_context(request) | {
        "title": f"Changes of {campaign.name}",
        "campaign": campaign,
        "entries": [entry_of(row) for row in found[:ON_A_PAGE]],
        "older": found[ON_A_PAGE - 1].pk if len(found) > ON_A_PAGE else None,
        "is_first": not before,
        "of": of,
        "kinds": [*kinds, ("rights", "Roles for it")] if sees_rights else kinds,
    }
    return TemplateResponse(request, "pages/campaign_log.html", context)


urlpatterns = [path("campaigns/<slug:slug>/log/", campaign_log, name="campaign-log")]
