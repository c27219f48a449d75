"""A HIT's page in a marketplace's frame: the marketplace says who does what, and takes answers on.

The site stores an answer first; then the worker's browser hands it in to the marketplace. The page
sets and reads no cookie: browsers keep none in a frame.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tasks.crowds import BadVisit, Frame, Visit
from tasks.models import HIT, Assignment, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.pages.form_reading import choices_of, read
from tasks.pages.hit_pages import form, minutes_left, preview, refuse
from tasks.pages.sheets import sheet_of
from tasks.work.claiming import give_back, renew
from tasks.work.submitting import submit
from tasks.work.take_up import NotOffered, surrendered, take_up

RETURN = (
    " Please return this work with the marketplace's own button. It will not count against you."
)


def hit(request: HttpRequest, hit: HIT, frame: Frame) -> HttpResponse:
    """One HIT: a preview, the worker's form, or the form that hands the stored answer in."""
    try:
        visit = frame.visit(hit.campaign, request.GET.dict() | request.POST.dict())
        if not visit.key:
            return preview(request, hit)
        return _visited(request, hit, frame, visit)
    except BadVisit as error:
        return refuse(request, 409, str(error), framed=True)


def _visited(request: HttpRequest, hit: HIT, frame: Frame, visit: Visit) -> HttpResponse:
    assignment = Assignment.objects.filter(campaign=hit.campaign, key=visit.key).first()
    new = assignment is None or assignment.worker.external_id != visit.worker
    if new and request.method == "POST":
        return _kept(request, hit, visit)
    if new:
        worker = Worker.of(hit.campaign.crowd, visit.worker)
        try:
            assignment = take_up(hit, worker, visit.key)
        except NotOffered as error:
            return _return(request, 409, str(error))
    assert assignment is not None
    if assignment.hit_id != hit.pk:
        return _return(request, 409, "This work belongs to another page.")
    assignment.hit, assignment.campaign = hit, hit.campaign
    if assignment.submitted_at is not None:
        return _hand_in(request, frame, assignment, visit)
    if request.method == "POST":
        if "return" in request.POST:
            give_back(assignment)
            return _return(
                request, 200, "None of your answers were stored. Thank you for having a look."
            )
        return _answer(request, frame, assignment, visit)
    if hit.campaign.state == State.CLOSED:
        return _return(request, 410, "This study has ended, and this work with it. Thank you.")
    if assignment.state != AssignmentState.OPEN or minutes_left(assignment) == 0:
        return _return(request, 410, "Your time for this work is over.")
    return form(request, sheet_of(assignment), assignment, visit.fields)


def _kept(request: HttpRequest, hit: HIT, visit: Visit) -> HttpResponse:
    """The work seems to be another worker's by now: keep the answer, but do not use it.

    It counts if the marketplace names this worker after all (tasks/market/reconcile.py).
    """
    before = surrendered(hit.campaign, visit.worker, visit.key)
    if before is not None and before.hit_id == hit.pk and before.submitted_at is None:
        answer = read(sheet_of(before), request.POST)
        if answer is not None:
            submit(before, answer)
    return _return(request, 409, "This work is no longer yours.")


def _answer(
    request: HttpRequest, frame: Frame, assignment: Assignment, visit: Visit
) -> HttpResponse:
    sheet = sheet_of(assignment)
    answer = read(sheet, request.POST)
    if answer is None:
        renew(assignment, choices_of(request.POST))  # a sign of life
        return form(request, sheet, assignment, visit.fields, status=422)
    stored = submit(assignment, answer)
    return _hand_in(request, frame, stored.assignment, visit, late=stored.status == "late")


def _hand_in(
    request: HttpRequest, frame: Frame, assignment: Assignment, visit: Visit, late: bool = False
) -> HttpResponse:
    """The page whose one form takes the stored answer on to the marketplace."""
    hand_in = frame.hand_in(assignment, visit)
    response = render(request, "tasks/hand_in.html", {"hand_in": hand_in, "late": late})
    response._csp_replace = {"form-action": hand_in.origins}  # type: ignore[attr-defined]
    return response


def _return(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """A friendly page that asks the worker to return the work to the marketplace."""
    return refuse(request, status, message + RETURN, framed=True)
