"""A HIT's page in a marketplace's frame: the marketplace says who does what, and takes answers on.

The site stores an answer first; then the worker's browser hands it in to the marketplace. The page
sets and reads no cookie: browsers keep none in a frame.
"""

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlencode

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.crowds import BadVisit, Frame, Visit
from tasks.models import HIT, Assignment, Campaign, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.pages.drafts import (
    draft_of,
    fill_in,
    keep,
    keep_reports_of_ended,
    must_ask,
    take_draft,
)
from tasks.pages.form_reading import read
from tasks.pages.hit_pages import (
    ENDED,
    WARNED,
    ask_to_give_back,
    form,
    preview,
    refuse,
    warn,
)
from tasks.pages.instructions import as_html
from tasks.pages.languages import chosen
from tasks.pages.replies import SeeOther, problems_of, wants_json
from tasks.pages.sheets import sheet_of
from tasks.work.claiming import give_back, is_over
from tasks.work.consent import decide, is_due, texts_asked, version_asked
from tasks.work.eligibility import KEPT_OUT, eligibility
from tasks.work.submitting import submit
from tasks.work.take_up import NotOffered, claim_of, has_room, take_up, unsaved

CONSENT = "consent"  # in an address: the version of the text that was agreed to
CARRIED = (CONSENT, WARNED)
RETURN = gettext_lazy(
    "Please return this work with the marketplace's own button. It will not count against you."
)


def hit(request: HttpRequest, hit: HIT, frame: Frame) -> HttpResponse:
    """One HIT: a preview, the worker's form, or the form that hands the stored answer in."""
    request.framed = True  # type: ignore[attr-defined]
    try:
        visit = frame.visit(hit.campaign, request.GET.dict() | request.POST.dict())
        if not visit.key:
            return preview(request, hit)
        given = {name: request.POST.get(name) or request.GET.get(name) for name in CARRIED}
        told = {name: value for name, value in given.items() if value}
        visit = replace(visit, fields={**visit.fields, **chosen(), **told})
        return _visited(request, hit, frame, visit)
    except BadVisit as error:
        return refuse(request, 409, str(error), campaign=hit.campaign)


def _visited(request: HttpRequest, hit: HIT, frame: Frame, visit: Visit) -> HttpResponse:
    try:
        if request.method == "POST":
            with suppress(ObjectDoesNotExist):
                return _posted(request, hit, frame, visit)
            # Their assignment was deleted a moment ago, to make room: it is made anew.
            return _posted(request, hit, frame, visit)
        claim = claim_of(hit, visit.worker, visit.key)
        if claim is None and (kept_out := _kept_out(hit.campaign, visit)):
            return _return(request, hit.campaign, 409, kept_out)
        if claim is None and _must_agree(hit.campaign, visit):
            return _ask_consent(request, hit.campaign, visit)
        if claim is None and _must_be_warned(hit.campaign, visit):
            return warn(request, hit.campaign, visit.fields)
        assignment = claim or _take_up(hit, visit)
    except NotOffered as error:
        return _return(request, hit.campaign, 409, str(error))
    assignment.hit, assignment.campaign = hit, hit.campaign
    if assignment.submitted_at is not None:
        return _hand_in(request, frame, assignment, visit)
    if hit.campaign.state == State.CLOSED:
        return _return(request, hit.campaign, 410, str(ENDED))
    expires = assignment.expires_at
    if assignment.state == AssignmentState.RETURNED:
        expires = None  # perhaps another worker's now, perhaps theirs again
    elif assignment.state != AssignmentState.OPEN or is_over(assignment):
        return _return(request, hit.campaign, 410, _("Your time for this work is over."))
    sheet = sheet_of(assignment)
    if (draft := draft_of(assignment)) is not None:
        fill_in(sheet, draft, problems="problems" in request.GET)
    page = form(request, sheet, assignment, visit.fields, expires)
    policy = {"form-action": ["'self'", *visit.origins]}  # its script may hand the answer in
    page._csp_replace = policy  # type: ignore[attr-defined]
    return page


def _take_up(hit: HIT, visit: Visit) -> Assignment:
    """The worker's new assignment; not stored while too many others wait for the marketplace."""
    if not has_room(hit):
        return unsaved(hit, visit.worker, visit.key)
    return _stored(hit, visit)


@transaction.atomic  # whoever is offered nothing becomes no worker
def _stored(hit: HIT, visit: Visit) -> Assignment:
    assignment = take_up(hit, Worker.of(hit.campaign.crowd, visit.worker), visit.key)
    campaign, version = hit.campaign, visit.fields.get(CONSENT)
    if version in texts_asked(campaign) and is_due(campaign, assignment.worker):
        decide(campaign, assignment.worker, True, version)
    return assignment


def _kept_out(campaign: Campaign, visit: Visit) -> str:
    """Why earlier work keeps whoever comes out of the campaign; "": it does not."""
    worker = Worker.objects.filter(crowd=campaign.crowd, external_id=visit.worker).first()
    return str(KEPT_OUT.get(eligibility(campaign, worker), ""))


def _must_agree(campaign: Campaign, visit: Visit) -> bool:
    """Whether whoever comes has agreed neither now nor before. Nothing is kept of it yet."""
    if visit.fields.get(CONSENT) in texts_asked(campaign):
        return False
    worker = Worker.objects.filter(crowd=campaign.crowd, external_id=visit.worker).first()
    return is_due(campaign, worker)


def _must_be_warned(campaign: Campaign, visit: Visit) -> bool:
    """Whether the campaign warns of its pictures, and whoever comes has not read that yet."""
    if not campaign.content_warning or not visit.fields.keys().isdisjoint(CARRIED):
        return False  # the text to agree to says it too
    worked = Assignment.objects.filter(
        campaign=campaign, worker__crowd=campaign.crowd, worker__external_id=visit.worker
    )
    return not worked.exists()


def _ask_consent(request: HttpRequest, campaign: Campaign, visit: Visit) -> HttpResponse:
    """The text to agree to; agreeing leads to the HIT by a GET, as the marketplace does."""
    if "refuse" in request.GET:
        return _return(request, campaign, 200, _("You do not take part. That is fine."))
    context = {
        "campaign": campaign,
        "text": as_html(campaign.texts.consent),
        "version": version_asked(campaign),
        "carried": {name: value for name, value in visit.fields.items() if name != CONSENT},
        "framed": True,
    }
    return render(request, "tasks/consent.html", context)


def _posted(request: HttpRequest, hit: HIT, frame: Frame, visit: Visit) -> HttpResponse:
    """Store an answer, whoever else came under the same key; the marketplace says whose it is."""
    claim = claim_of(hit, visit.worker, visit.key)
    if "draft" in request.POST:
        return _draft(request, claim or _stored(hit, visit), hit)
    assignment = claim or unsaved(hit, visit.worker, visit.key)
    assignment.hit, assignment.campaign = hit, hit.campaign
    if assignment.submitted_at is not None:
        return _hand_in(request, frame, assignment, visit)
    if "return" in request.POST:
        if must_ask(request, draft_of(assignment)):
            work = f"{request.path}?{urlencode(visit.fields)}"
            return ask_to_give_back(request, hit.campaign, visit.fields, work)
        if claim is not None:
            give_back(claim)
        message = _("None of your answers were stored. Thank you for having a look.")
        return _return(request, hit.campaign, 200, message)
    sheet = sheet_of(assignment)
    answer = read(sheet, request.POST)
    if answer is None or "keep" in request.POST:
        keep(claim or _stored(hit, visit), request.POST, sheet)
        problems = {} if "keep" in request.POST else {"problems": "1"}
        if problems and wants_json(request):
            return problems_of(sheet.problems)
        return SeeOther(f"{request.path}?{urlencode({**visit.fields, **problems})}")
    done = submit(claim or _stored(hit, visit), answer)
    return _hand_in(request, frame, done.assignment, visit, late=done.status == "late")


def _draft(request: HttpRequest, assignment: Assignment, hit: HIT) -> HttpResponse:
    """Keep a draft as an answer would be kept: whoever else came, and if need be taken up anew."""
    assignment.hit, assignment.campaign = hit, hit.campaign
    if hit.campaign.state == State.CLOSED:
        keep_reports_of_ended(assignment, request.POST)
        return refuse(request, 410, str(ENDED))
    return take_draft(request, assignment)


def _hand_in(
    request: HttpRequest, frame: Frame, assignment: Assignment, visit: Visit, late: bool = False
) -> HttpResponse:
    """The form that takes the stored answer on to the marketplace: a page; to a script in JSON."""
    hand_in = frame.hand_in(assignment, visit)
    if wants_json(request):
        handed = {"action": hand_in.action, "fields": dict(hand_in.fields)}
        return JsonResponse({"hand_in": handed})
    response = render(
        request,
        "tasks/hand_in.html",
        {"campaign": assignment.campaign, "hand_in": hand_in, "late": late},
    )
    response._csp_replace = {"form-action": visit.origins}  # type: ignore[attr-defined]
    return response


def _return(request: HttpRequest, campaign: Campaign, status: int, message: str) -> HttpResponse:
    """A friendly page that asks the worker to return the work to the marketplace."""
    return refuse(request, status, f"{message} {RETURN}", campaign=campaign)
