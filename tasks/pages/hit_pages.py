"""What the workers' pages share: a HIT's form, its preview, refusals, the headers of every page."""

import math
from collections.abc import Callable, Mapping

from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache

from imagesets.clock import database_now
from tasks.models import HIT, Assignment
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.pages.form_reading import LONGEST_COMMENT, LONGEST_OTHER
from tasks.pages.instructions import as_html
from tasks.pages.sheets import Sheet, preview_of

View = Callable[..., HttpResponse]
# What hit.js imports, beside the kind's own.
SCRIPTS = ("active", "bar", "hand", "keys", "pictures", "sending", "zoom")


def worker_page(view: View) -> View:
    """Never cached, and with a policy that allows nothing inline or from other sites."""
    strict: View = csp(settings.WORKER_PAGE_CSP)(view)  # type: ignore[arg-type,assignment]
    return never_cache(strict)


def preview(request: HttpRequest, hit: HIT) -> HttpResponse:
    """The HIT as it looks to somebody who has not accepted it."""
    if request.method == "POST":
        return refuse(request, 409, "This was a preview: accept the work before you submit it.")
    if hit.campaign.state in (State.CLOSED, State.FINISHED):
        return refuse(request, 410, "This study has ended.")
    return form(request, preview_of(hit), None, {})


def form(
    request: HttpRequest,
    sheet: Sheet,
    assignment: Assignment | None,
    carried: Mapping[str, str],
    status: int = 200,
    left: int | None = None,
) -> HttpResponse:
    """The HIT's page; `carried`: hidden fields that identify the worker in its forms.

    `left`: the minutes for which the work is kept, if it says so.
    """
    practised = False
    if assignment is not None:
        practised = Assignment.objects.filter(
            worker=assignment.worker_id,
            campaign=assignment.campaign_id,
            state=AssignmentState.SUBMITTED,
        ).exists()
    context = {
        "sheet": sheet,
        "campaign": sheet.campaign,
        "carried": carried,
        "minutes_left": left,
        "instructions": as_html(sheet.campaign.instructions),
        "instructions_open": not practised,
        "longest_other": LONGEST_OTHER,
        "longest_comment": LONGEST_COMMENT,
        "modules": [static(f"js/worker/{name}.js") for name in (*SCRIPTS, sheet.campaign.kind)],
        "active_seconds": request.POST.get("active_seconds", "")[:20],
    }
    return render(request, f"tasks/{sheet.campaign.kind}.html", context, status=status)


def minutes_left(assignment: Assignment) -> int | None:
    """Whole minutes for which the place is still kept, at least 1; 0: over; None: no limit."""
    if assignment.expires_at is None:
        return None
    seconds = (assignment.expires_at - database_now()).total_seconds()
    return max(1, math.floor(seconds / 60)) if seconds > 0 else 0


def refuse(
    request: HttpRequest, status: int, message: str, more: str = "", framed: bool = False
) -> HttpResponse:
    """A friendly page that refuses; `more`: the address where the worker may go on."""
    context = {"message": message, "more": more, "framed": framed}
    return render(request, "tasks/refused.html", context, status=status)
