"""The workers' pages: open campaigns, the next HIT, the HIT itself, thanks.

All of them work without JavaScript, and a HIT also in a marketplace's frame, without cookies.
"""

import math
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from tasks.crowds import crowd_of
from tasks.crowds.local import identity
from tasks.models import HIT, Assignment, Campaign, Stop, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import Kind, State
from tasks.money import expected_seconds
from tasks.pages import framed
from tasks.pages.form_reading import read
from tasks.pages.hit_pages import form, minutes_left, preview, refuse, worker_page
from tasks.pages.sheets import sheet_of
from tasks.work.claiming import give_back, next_assignment, renew
from tasks.work.submitting import submit

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # a marketplace's word for "not accepted yet"


class SeeOther(HttpResponseRedirect):
    """Go on with a GET, whatever the method was."""

    status_code = 303


@require_GET
@worker_page
def campaigns(request: HttpRequest) -> HttpResponse:
    """The campaigns that are open to local workers."""
    some = Campaign.objects.filter(crowd=identity.CROWD, state=State.OPEN)
    rows = [(campaign, _minutes(campaign)) for campaign in some]
    return render(request, "tasks/campaigns.html", {"rows": rows})


def _minutes(campaign: Campaign) -> int:
    """About how long one full HIT takes, in whole minutes."""
    contains = campaign.kind == Kind.CONTAINS
    items = campaign.grid_size if contains else campaign.images_per_hit
    return math.ceil(expected_seconds(campaign.kind, items) / 60)


@require_GET  # no HEAD: what looks at links would take places
@worker_page
def campaign(request: HttpRequest, public_id: str) -> HttpResponse:
    """A campaign's link: on to the worker's next HIT, or thanks where there is none."""
    found = Campaign.objects.filter(public_id=public_id).first()
    if found is None:
        return _refuse(request, 404, "There is no study at this address.")
    if found.crowd != identity.CROWD:
        return _refuse(request, 409, "The work of this study is given out by a marketplace.")
    try:
        worker = identity.worker_of(request, found)
    except identity.BadInvitation:
        return _refuse(
            request, 409, "This invitation is not valid: ask for a new link, and copy it whole."
        )
    if worker is None:
        return _thank(request, found, None, _why_nothing(found, None))
    assignment = next_assignment(found, worker)
    if assignment is None:
        response = _thank(request, found, worker, _why_nothing(found, worker))
    else:
        response = SeeOther(_address(assignment))
    if "after" not in request.GET:
        identity.remember(request, response, worker)
    return response


@require_GET
@worker_page
@xframe_options_exempt
def thanks(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where a worker comes to when his answer is stored and nothing is left."""
    found = Campaign.objects.filter(public_id=public_id).first()
    if found is None:
        return _refuse(request, 404, "There is no study at this address.")
    done = identity.assignment_of(request.GET.get("assignmentId"), found)
    if done is None:
        return _refuse(request, 409, "This address belongs to no work of this study.")
    return _thank(request, found, done.worker, _why_nothing(found, done.worker), done)


# Exempt from Django's CSRF check: in a marketplace's frame the browser gives no cookie to check
# against. What authorises a submit is the assignment's token in the form, a secret that only its
# worker was given: a forger would have to know it, and a cookie alone lets nobody answer.
@csrf_exempt
@require_http_methods(["GET", "POST"])
@worker_page
@xframe_options_exempt
def hit(request: HttpRequest, public_id: str) -> HttpResponse:
    """One HIT: a preview, the worker's form, or what became of it."""
    found = HIT.objects.select_related("campaign").filter(public_id=public_id).first()
    if found is None or found.campaign.state == State.DRAFT:
        return _refuse(request, 404, "There is no work at this address.")
    if crowd_of(found.campaign).gives_places:
        return framed.hit(request, found)
    key = request.POST.get("assignmentId") or request.GET.get("assignmentId") or PREVIEW
    if key == PREVIEW:
        return preview(request, found)
    assignment = identity.assignment_of(key, found.campaign)
    if assignment is None or assignment.hit_id != found.pk:
        return _refuse(request, 409, "This work was not given to you, or the address is cut short.")
    if not identity.may_be(request, assignment.worker):
        return _refuse(
            request,
            409,
            "This work was given to somebody else than the one who works in this browser.",
            found.campaign,
        )
    assignment.hit, assignment.campaign = found, found.campaign
    if assignment.submitted_at is not None:
        return _thank(request, found.campaign, assignment.worker, "answered", assignment)
    if request.method == "POST":
        return _give_back(assignment) if "return" in request.POST else _answer(request, assignment)
    if found.campaign.state == State.CLOSED:
        return _refuse(request, 410, "This study has ended, and this work with it. Thank you.")
    if assignment.state != AssignmentState.OPEN or minutes_left(assignment) == 0:
        return _refuse(
            request,
            410,
            "The time for this work is over, and it has gone back to be given to others.",
            found.campaign,
            assignment,
        )
    return form(request, sheet_of(assignment), assignment, _carried(assignment))


def _carried(assignment: Assignment) -> dict[str, str]:
    return {"assignmentId": assignment.token or ""}


def _answer(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    sheet = sheet_of(assignment)
    answer = read(sheet, request.POST)
    if answer is None:
        renew(assignment)  # a sign of life
        return form(request, sheet, assignment, _carried(assignment), status=422)
    submitted = submit(assignment, answer)
    campaign, worker = assignment.campaign, assignment.worker
    if submitted.status == "repeated":
        return _thank(request, campaign, worker, "answered", assignment)
    if submitted.status == "late":
        return _thank(request, campaign, worker, "late", assignment, status=410)
    return _go_on(assignment)


def _give_back(assignment: Assignment) -> HttpResponse:
    give_back(assignment)
    return SeeOther(_thanks_address(assignment))


def _go_on(done: Assignment) -> HttpResponse:
    """To the next HIT of the same campaign, or to the thanks page."""
    following = next_assignment(done.campaign, done.worker)
    return SeeOther(_thanks_address(done) if following is None else _address(following))


def _address(assignment: Assignment) -> str:
    """The page of an assignment; its key, in the address, is what lets a worker in."""
    query = urlencode({"assignmentId": assignment.token})
    return f"{reverse('tasks:hit', args=[assignment.hit.public_id])}?{query}"


def _thanks_address(done: Assignment) -> str:
    query = urlencode({"assignmentId": done.token})
    return f"{reverse('tasks:thanks', args=[done.campaign.public_id])}?{query}"


def _more_address(campaign: Campaign, done: Assignment | None) -> str:
    query = f"?{urlencode({'after': done.token})}" if done is not None else ""
    return reverse("tasks:campaign", args=[campaign.public_id]) + query


def _why_nothing(campaign: Campaign, worker: Worker | None) -> str:
    """Why the worker gets no work: "stopped", or the campaign's state (open: none right now)."""
    stopped = Stop.objects.filter(campaign=campaign, worker=worker)
    if worker is not None and stopped.exists():
        return "stopped"
    return str(campaign.state)


def _thank(
    request: HttpRequest,
    campaign: Campaign,
    worker: Worker | None,
    why: str,
    done: Assignment | None = None,
    status: int = 200,
) -> HttpResponse:
    """The thanks page. `why`: see `_why_nothing`; "answered": just now or before; "late"."""
    answers = Assignment.objects.filter(
        campaign=campaign, worker=worker, state=AssignmentState.SUBMITTED
    )
    may_go_on = campaign.state == State.OPEN and why != "stopped"
    context = {
        "campaign": campaign,
        "why": why,
        "count": answers.count() if worker is not None else 0,
        "returned": done is not None and done.state == AssignmentState.RETURNED,
        "more": _more_address(campaign, done) if may_go_on else "",
    }
    return render(request, "tasks/thanks.html", context, status=status)


def _refuse(
    request: HttpRequest,
    status: int,
    message: str,
    campaign: Campaign | None = None,
    done: Assignment | None = None,
) -> HttpResponse:
    """A friendly page for what cannot be had, with a way on where there is one."""
    more = ""
    if campaign is not None and campaign.crowd == identity.CROWD and campaign.state == State.OPEN:
        more = _more_address(campaign, done)
    return refuse(request, status, message, more)
