"""The text that workers agree to before their first HIT, and what is kept about them (rule V6)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from tasks.crowds import BadVisit, Door, crowd_of
from tasks.models import Campaign, Consent, Worker
from tasks.models.campaign import State
from tasks.models.session import SessionOutcome
from tasks.pages.addresses import (
    campaign_address,
    carried_on,
    consent_address,
    nothing_address,
    session_address,
)
from tasks.pages.hit_pages import behind_the_door, refuse, worker_page
from tasks.pages.instructions import as_html
from tasks.pages.languages import speak
from tasks.pages.leading import next_address
from tasks.pages.origins import from_another_site
from tasks.pages.replies import SeeOther
from tasks.pages.thanks import Reason, thank
from tasks.work.consent import decide, is_due, texts_asked, version_asked
from tasks.work.sessions import end, running_session


# Exempt from Django's CSRF check, which needs a cookie; `from_another_site` takes its place.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@worker_page
@behind_the_door
def consent(request: HttpRequest, campaign: Campaign, door: Door) -> HttpResponse:
    """Ask whoever has begun; agreeing leads to their practice, or takes a place and to its HIT."""
    carried = carried_on(request, campaign, door)
    try:
        worker = door.worker_of(request, campaign)
    except BadVisit as error:
        return refuse(request, 409, str(error), campaign=campaign)
    if worker is None or not _gives_work(campaign, worker) or not is_due(campaign, worker):
        return SeeOther(campaign_address(campaign, carried))
    asked = texts_asked(campaign)
    if request.method == "POST" and not from_another_site(request):
        if (version := request.POST.get("refuse", "")) in asked:
            decide(campaign, worker, False, version)
            again = consent_address(campaign, carried)
            if (session := running_session(campaign, worker)) is not None:
                end(session, SessionOutcome.NO_CONSENT, worker.pseudonym, "did not agree")
                return SeeOther(session_address(session))
            return thank(request, campaign, worker, Reason.REFUSED, more=again)
        if (version := request.POST.get("agree", "")) in asked:
            decide(campaign, worker, True, version)
            following = next_address(campaign, worker)
            return SeeOther(following or nothing_address(campaign, carried))
    context = {
        "campaign": campaign,
        "text": as_html(campaign.texts.consent),
        "version": version_asked(campaign),
        "carried": carried,
        "again": Consent.objects.filter(
            worker=worker, text__campaign=campaign, agreed=True
        ).exists(),
    }
    return render(request, "tasks/consent.html", context)


def _gives_work(campaign: Campaign, worker: Worker) -> bool:
    """Whether agreeing leads to work: the campaign is open, or paused for all but sessions (S3)."""
    if campaign.state == State.PAUSED:
        return running_session(campaign, worker) is not None
    return campaign.state == State.OPEN


@require_safe
@worker_page
@xframe_options_exempt
def kept(request: HttpRequest, public_id: str) -> HttpResponse:
    """What is kept about a worker, and for how long."""
    campaign = Campaign.objects.filter(public_id=public_id).exclude(state=State.DRAFT).first()
    if campaign is None:
        return refuse(request, 404, _("There is no study at this address."))
    speak(request, campaign)
    crowd = crowd_of(campaign)
    context = {
        "campaign": campaign,
        "is_framed": crowd.frame is not None,
        "by_session": crowd.pays_by_session,
    }
    return render(request, "tasks/kept.html", context)
