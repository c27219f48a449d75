"""The workers' pages: a campaign's link, the next HIT, the HIT itself, thanks.

All of them work without JavaScript, and a HIT also in a marketplace's frame, without cookies.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress

from django.db import transaction
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from tasks.crowds import BadVisit, Door, crowd_of
from tasks.crowds.tokens import assignment_of, work_of
from tasks.models import HIT, Assignment, Campaign, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.models.session import SessionOutcome
from tasks.pages import framed
from tasks.pages.addresses import (
    AGAIN,
    NOTHING,
    absolute,
    campaign_address,
    carried_on,
    consent_address,
    hit_address,
    nothing_address,
    practice_address,
    repeated_address,
    session_address,
    thanks_address,
    way_on,
)
from tasks.pages.devices import is_excluded, tell_of_device
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
    GIVEN_TO_ANOTHER,
    NOT_GIVEN,
    ask_to_give_back,
    form,
    preview,
    refuse,
    worker_page,
)
from tasks.pages.instructions import as_html
from tasks.pages.languages import chosen, speak
from tasks.pages.leading import end_address, next_address
from tasks.pages.money import in_words
from tasks.pages.offers import offers
from tasks.pages.origins import from_another_site
from tasks.pages.replies import SeeOther, lead_to, preload, problems_of, wants_json
from tasks.pages.session_visits import (
    begin_session,
    has_a_page,
    leaves_without_work,
    session_come_for,
)
from tasks.pages.sheets import first_pictures, sheet_of
from tasks.pages.thanks import WORDS, Reason, no_more_work, stored_as, thank
from tasks.work.admission import Admission, admission
from tasks.work.claiming import give_back, is_over, next_assignment, running_assignment
from tasks.work.consent import is_due
from tasks.work.practice import GOES_ON, running_try
from tasks.work.resuming import Obstacle, obstacle, take_up_again
from tasks.work.sessions import end_unbegun, progress_of
from tasks.work.submitting import submit

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # in an address: nobody has accepted the work yet
EXPIRED = {
    Obstacle.PAUSED: gettext_lazy(
        "Your time for this work is over, and the study is paused. Come back to this address"
        " later: what you chose is kept."
    ),
    Obstacle.BUSY: gettext_lazy(
        "Your time for this work is over, and you have begun another set of this study. Finish"
        " that one first."
    ),
    Obstacle.GONE: gettext_lazy("Your time for this work is over, and others have taken it."),
}


# Exempt from Django's CSRF check, which needs a cookie; `from_another_site` takes its place.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@worker_page
def campaign(request: HttpRequest, public_id: str) -> HttpResponse:
    """A campaign's link. GET says what the work is and changes nothing; POST begins it."""
    campaign = Campaign.objects.filter(public_id=public_id).first()
    if campaign is None:
        return refuse(request, 404, _("There is no study at this address."))
    speak(request, campaign)
    door = crowd_of(campaign).door
    if door is None:
        return refuse(request, 409, _("A marketplace gives out the work of this study."))
    if request.method == "POST" and from_another_site(request):
        return SeeOther(campaign_address(campaign, carried_on(request, campaign, door)))
    try:
        return (_begin if request.method == "POST" else _look)(request, campaign, door)
    except BadVisit as error:
        return refuse(request, 409, str(error), campaign=campaign)


def _look(request: HttpRequest, campaign: Campaign, door: Door) -> HttpResponse:
    """Lead whoever has work open to it; show anybody else what the work is, and "Begin"."""
    worker = door.worker_of(request, campaign)
    session = session_come_for(request, campaign, door, worker)
    running = _running_address(campaign, worker) if worker is not None else ""
    is_theirs = worker is None or door.may_be(request, worker)
    is_new_here = worker is not None and bool(door.carried(request, worker))
    if running and is_theirs and not is_new_here:
        return SeeOther(running)
    if session is not None and has_a_page(session, again=NOTHING not in request.GET):
        return SeeOther(session_address(session))
    reason, carried = no_more_work(campaign, worker), carried_on(request, campaign, door)
    goes_on = running and is_new_here  # "Begin" lets the browser remember them
    goes_on = goes_on or (session is not None and session.is_running)
    if not goes_on and (reason != Reason.NOTHING_NOW or NOTHING in request.GET):
        more = campaign_address(campaign, carried)
        left = leaves_without_work(request, campaign, door)
        return thank(request, campaign, worker, reason, more=more, farewell=left)
    if not goes_on and is_excluded(request, campaign):
        return tell_of_device(request, campaign, door)
    visit = secrets.token_urlsafe(12)
    name = door.begins_as(request, campaign, visit)
    context = {
        "campaign": campaign,
        "offer": offers([campaign])[campaign.pk],
        "instructions": as_html(campaign.texts.instructions),
        "carried": carried | {"visit": visit},
        "personal_link": absolute(request, door.personal_link(campaign, name)) if name else "",
        "browser_is_anothers": not is_theirs,
        "practises": admission(campaign, worker) == Admission.DUE,
        "practice_pay": _practice_pay(campaign) if crowd_of(campaign).pays_by_session else "",
        "session": session is not None and session.is_running and progress_of(session),
    }
    return render(request, "tasks/begin.html", context)


def _practice_pay(campaign: Campaign) -> str:
    """What a try at the campaign's practice pays, where no set has a price of its own."""
    reward = campaign.practice_hits.aggregate(least=Min("reward"))["least"]
    return in_words(reward, campaign.in_currency) if reward else ""


def _running_address(campaign: Campaign, worker: Worker) -> str:
    """The page of the work that the worker has open and that is kept for them; "": they have none.

    Changes nothing.
    """
    if (assignment := running_assignment(campaign, worker)) is not None:
        return hit_address(assignment)
    attempt = running_try(campaign, worker)
    return practice_address(attempt) if attempt is not None else ""


def _begin(request: HttpRequest, campaign: Campaign, door: Door) -> HttpResponse:
    """Lead the worker, who may be new, to their practice or to a place's HIT; else say why not.

    Where there is no work, nobody new is made and no invitation is used up.
    """
    with transaction.atomic():
        worker = door.admit(request, campaign)
        session = begin_session(request, campaign, door, worker)
        if session is not None and is_excluded(request, campaign):
            session = end_unbegun(session, SessionOutcome.DEVICE, worker.pseudonym)
        if session is not None and not session.is_running:
            return SeeOther(session_address(session))
        lacks_one = session is None and crowd_of(campaign).pays_by_session
        due = not lacks_one and campaign.state in GOES_ON and is_due(campaign, worker)
        address = "" if due or lacks_one else next_address(campaign, worker)
        is_known = (
            due
            or address
            or worker.assignments.filter(campaign=campaign).exists()
            or worker.practice_tries.filter(hit__campaign=campaign).exists()
        )
        if not is_known:
            transaction.set_rollback(True)
    if due:
        response = SeeOther(consent_address(campaign, _proof(request, worker, door)))
    elif address:
        response = SeeOther(address)
    else:
        response = SeeOther(nothing_address(campaign, carried_on(request, campaign, door)))
    if is_known and "after" not in request.POST:
        door.remember(request, response, worker)
    return response


def _proof(request: HttpRequest, worker: Worker, door: Door) -> Mapping[str, str]:
    """What the address after "Begin" needs to say who comes: no more than the browser lacks."""
    if after := request.POST.get("after"):
        return {"after": after}
    return {} if door.remembers(request, worker) else door.proof(worker.external_id)


@require_safe
@worker_page
@xframe_options_exempt
def thanks(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where a worker comes to when their answer is stored and there is nothing else to do."""
    campaign = Campaign.objects.filter(public_id=public_id).first()
    if campaign is None:
        return refuse(request, 404, _("There is no study at this address."))
    speak(request, campaign)
    done = work_of(request.GET.get("assignmentId"), campaign)
    if done is None:
        message = _("This address belongs to no work of this study.")
        return refuse(request, 409, message, campaign=campaign)
    reason = no_more_work(campaign, done.worker)
    if reason == Reason.NOTHING_NOW and AGAIN in request.GET and isinstance(done, Assignment):
        reason = stored_as(done)  # nobody has looked for more work
    return thank(request, campaign, done.worker, reason, done)


# Exempt from Django's CSRF check: in a marketplace's frame the browser sends no cookie to check
# against. The assignment's token in the form authorises a submit: only its worker was given that
# secret, a forger would have to know it, and a cookie alone lets nobody answer.
@csrf_exempt
@require_http_methods(["GET", "POST"])
@worker_page
@xframe_options_exempt
def hit(request: HttpRequest, public_id: str) -> HttpResponse:
    """One HIT: a preview, the worker's form, or what became of it."""
    hit = HIT.objects.select_related("campaign").filter(public_id=public_id).first()
    if hit is None or hit.campaign.state == State.DRAFT:
        return refuse(request, 404, _("There is no work at this address."))
    speak(request, hit.campaign)
    crowd = crowd_of(hit.campaign)
    if crowd.frame is not None:
        return framed.hit(request, hit, crowd.frame)
    assert crowd.door is not None  # every crowd has one of the two
    return _at_the_door(request, hit, crowd.door)


def _at_the_door(request: HttpRequest, hit: HIT, door: Door) -> HttpResponse:
    """A HIT that the site itself gives out."""
    token = request.POST.get("assignmentId") or request.GET.get("assignmentId") or PREVIEW
    if token == PREVIEW:
        return preview(request, hit, _way_in(request, hit.campaign, door))
    assignment = assignment_of(token, hit.campaign)
    if assignment is None or assignment.hit_id != hit.pk:
        return refuse(request, 409, str(NOT_GIVEN), campaign=hit.campaign)
    if not door.may_be(request, assignment.worker):
        more = way_on(hit.campaign)
        return refuse(request, 409, str(GIVEN_TO_ANOTHER), more, campaign=hit.campaign)
    assignment.hit, assignment.campaign = hit, hit.campaign
    if request.method == "POST":
        return _posted(request, assignment)
    if assignment.submitted_at is not None:
        return thank(request, hit.campaign, assignment.worker, stored_as(assignment), assignment)
    if hit.campaign.state == State.CLOSED:
        if assignment.session is not None:  # its page says how to leave
            return SeeOther(session_address(assignment.session))
        return refuse(request, 410, str(ENDED), campaign=hit.campaign)
    if assignment.state == AssignmentState.RETURNED:
        message = _("You have given this work back. Somebody else may do it now.")
        more = way_on(hit.campaign, assignment)
        return refuse(request, 410, message, more, campaign=hit.campaign)
    expired = assignment.state != AssignmentState.OPEN or is_over(assignment)
    if expired and (reason := obstacle(assignment)) is not None:
        more = way_on(hit.campaign, assignment)
        return refuse(request, 410, str(EXPIRED[reason]), more, campaign=hit.campaign)
    sheet = sheet_of(assignment)
    sheet.expired = expired
    if (draft := draft_of(assignment)) is not None:
        fill_in(sheet, draft, problems="problems" in request.GET and not expired)
    expires = None if expired else assignment.expires_at
    return form(request, sheet, assignment, _carried(assignment), expires)


def _way_in(request: HttpRequest, campaign: Campaign, door: Door) -> Mapping[str, str]:
    """The fields of "Begin" on a page of a HIT that nobody was given; {}: it opens no work."""
    with suppress(BadVisit):
        if no_more_work(campaign, door.worker_of(request, campaign)) == Reason.NOTHING_NOW:
            return {"visit": secrets.token_urlsafe(12)} | chosen()
    return {}


def _carried(assignment: Assignment) -> dict[str, str]:
    return {"assignmentId": assignment.token or ""}


def _posted(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """A draft, an answer, or the work given back or taken up again."""
    if "draft" in request.POST:
        if assignment.campaign.state == State.CLOSED:
            keep_reports_of_ended(assignment, request.POST)
            return refuse(request, 410, str(ENDED))
        return take_draft(request, assignment)
    if assignment.submitted_at is not None:
        return _answered(request, assignment)
    if "return" in request.POST:
        return _give_back(request, assignment)
    if "take_up" in request.POST:
        take_up_again(assignment)  # its page says what has become of it
        return lead_to(request, hit_address(assignment))
    return _answer(request, assignment)


def _answered(request: HttpRequest, done: Assignment) -> HttpResponse:
    """The thanks for an answer that was stored before."""
    if wants_json(request):
        return lead_to(request, repeated_address(done))
    return thank(request, done.campaign, done.worker, stored_as(done), done)


def _answer(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    sheet = sheet_of(assignment)
    answer = read(sheet, request.POST)
    if answer is None or "keep" in request.POST:
        keep(assignment, request.POST, sheet)
        if "keep" in request.POST:
            return lead_to(request, hit_address(assignment))
        if wants_json(request):
            return problems_of(sheet.problems)
        return SeeOther(hit_address(assignment) + "&problems=1")
    submitted = submit(assignment, answer)
    if submitted.status == "repeated":
        return _answered(request, assignment)
    if submitted.status == "late":
        if wants_json(request):
            return refuse(request, 410, str(WORDS[Reason.LATE].text))
        campaign, worker = assignment.campaign, assignment.worker
        return thank(request, campaign, worker, Reason.LATE, assignment, status=410)
    if is_due(assignment.campaign, assignment.worker):  # its text has been changed
        proof = {"after": assignment.token or ""}
        return lead_to(request, consent_address(assignment.campaign, proof))
    following = next_assignment(assignment.campaign, assignment.worker)
    if following is None:
        ended = end_address(assignment.campaign, assignment.worker, assignment)
        return lead_to(request, ended or thanks_address(assignment))
    response = lead_to(request, hit_address(following))
    if wants_json(request):
        preload(response, first_pictures(following))
    return response


def _give_back(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    if must_ask(request, draft_of(assignment)):
        return ask_to_give_back(
            request, assignment.campaign, _carried(assignment), hit_address(assignment)
        )
    give_back(assignment)
    session = assignment.session
    return lead_to(request, session_address(session) if session else thanks_address(assignment))
