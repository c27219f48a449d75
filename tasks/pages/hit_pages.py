"""What the workers' pages share: a HIT's form, its preview, refusals, the headers of every page."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page

from tasks.crowds import crowd_of
from tasks.models import HIT, Assignment, Campaign
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import Kind, State
from tasks.models.picture_report import LONGEST_REASON
from tasks.pages.addresses import session_address
from tasks.pages.form_reading import LONGEST_COMMENT, LONGEST_OTHER
from tasks.pages.instructions import as_html
from tasks.pages.languages import speak, spoken, tell
from tasks.pages.money import in_words
from tasks.pages.replies import preload, problems_of, wants_json
from tasks.pages.sheets import Sheet, preview_of
from tasks.work.sessions import progress_of

WARNED = "warned"  # in an address: whoever comes has read the campaign's warning
TITLES = {
    Kind.CONTAINS: gettext_lazy("Find what is in pictures"),
    Kind.CLASSIFY: gettext_lazy("Say what is in pictures"),
}
ENDED = gettext_lazy("This study has ended, and this work with it. Thank you.")
NOT_GIVEN = gettext_lazy("This work was not given to you, or the address is cut short.")
GIVEN_TO_ANOTHER = gettext_lazy(
    "This work was given to somebody other than the person using this browser."
)
View = Callable[..., HttpResponse]


def worker_page(view: View) -> View:
    """Never cached, in the worker's language, with nothing inline or from other sites."""

    @wraps(view)
    def in_their_language(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with spoken(request):
            response = view(request, *args, **kwargs)
            tell(request, response, remember=view.__name__ != "hit")  # it may stand in a frame
        return response

    strict: View = csp(settings.WORKER_PAGE_CSP)(in_their_language)  # type: ignore[arg-type,assignment]
    return never_cache(strict)


def behind_the_door(view: View) -> View:
    """A page of a campaign whose HITs the site gives out: the view gets the campaign and its door.

    In a language of the campaign's.
    """

    @wraps(view)
    def of_campaign(request: HttpRequest, public_id: str) -> HttpResponse:
        campaign = Campaign.objects.filter(public_id=public_id).first()
        door = crowd_of(campaign).door if campaign is not None else None
        if campaign is None or door is None:
            return refuse(request, 404, _("There is no study at this address."))
        speak(request, campaign)
        return view(request, campaign, door)

    return of_campaign


def preview(
    request: HttpRequest, hit: HIT, way_in: Mapping[str, str] | None = None
) -> HttpResponse:
    """The HIT as it looks to somebody who has not accepted it.

    `way_in`: hidden fields of "Begin", where the site gives out the work.
    """
    if request.method == "POST":
        message = _("This was a preview: accept the work before you submit it.")
        return refuse(request, 409, message, campaign=hit.campaign)
    if hit.campaign.state in (State.CLOSED, State.FINISHED):
        return refuse(request, 410, _("This study has ended."), campaign=hit.campaign)
    if hit.campaign.content_warning and WARNED not in request.GET:
        return warn(request, hit.campaign, request.GET.dict())
    return form(request, preview_of(hit), None, way_in or {})


def warn(request: HttpRequest, campaign: Campaign, carried: Mapping[str, str]) -> HttpResponse:
    """What the campaign warns of, before its first picture; its button leads to the same page."""
    context = {"campaign": campaign, "carried": carried, "warned": WARNED}
    return render(request, "tasks/warning.html", context)


# Compressed, since 48 tiles are much text: its one secret, the assignment's token, stands in the
# address too, so that nobody else can have this page fetched who does not know it.
@gzip_page
def form(
    request: HttpRequest,
    sheet: Sheet,
    assignment: Assignment | None,
    carried: Mapping[str, str],
    expires: datetime | None = None,
    practice: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The HIT's page; `carried`: hidden fields that identify the worker in its forms.

    `expires`: until when the work is kept, if it says so. `practice`: of a try, what the page says
    of it.
    """
    practised = False
    if assignment is not None:
        practised = Assignment.objects.filter(
            worker=assignment.worker_id,
            campaign=assignment.campaign_id,
            state=AssignmentState.SUBMITTED,
        ).exists()
    session = assignment.session if assignment is not None else None
    is_extra, worth = assignment is not None and assignment.is_extra, ""
    if assignment is not None and is_extra:
        worth = in_words(assignment.hit.reward, assignment.campaign.in_currency)
    asked = [picture for picture in sheet.pictures if not picture.hidden] or sheet.pictures
    questions = len(sheet.sections or asked)
    context = {
        "sheet": sheet,
        "questions": questions,
        "several": questions > 1,
        "campaign": sheet.campaign,
        "title": sheet.campaign.texts.title or TITLES[Kind(sheet.campaign.kind)],
        "carried": carried,
        "expires": expires and iso(expires),
        "expires_at": expires,
        "practice": practice,
        "session": progress_of(session) if session is not None else None,
        "worth": worth,
        "session_page": session_address(session) if session is not None and is_extra else "",
        "can_resume": crowd_of(sheet.campaign).door is not None,
        "instructions": as_html(sheet.campaign.texts.instructions),
        "instructions_open": not practised,
        "longest_other": LONGEST_OTHER,
        "longest_comment": LONGEST_COMMENT,
        "longest_reason": LONGEST_REASON,
    }
    page = render(request, f"tasks/{sheet.campaign.kind}.html", context)
    preload(page, sheet.first_pictures)
    return page


def ask_to_give_back(
    request: HttpRequest, campaign: Campaign, carried: Mapping[str, str], work: str
) -> HttpResponse:
    """Ask once more, because the worker has chosen something; `work`: the HIT's address."""
    if wants_json(request):
        message = _("Something is chosen on the page: send sure=1 to give it back.")
        return refuse(request, 409, message)
    context = {"campaign": campaign, "carried": carried, "work": work}
    return render(request, "tasks/give_back.html", context)


def iso(moment: datetime) -> str:
    """A time in UTC as scripts and <time> read it: 2026-11-29T14:32:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_listed(campaign: Campaign) -> bool:
    """Whether its workers may look for other studies on the site: not those whom a panel sent."""
    return not crowd_of(campaign).pays_by_session


def refuse(
    request: HttpRequest,
    status: int,
    message: str,
    more: str = "",
    campaign: Campaign | None = None,
) -> HttpResponse:
    """A friendly page that refuses; `more`: the address where the worker may go on.

    In a marketplace's frame it offers none of the site's other studies.
    `campaign`: the one that they work for, whose people they may want to write to.
    To a script: {"detail"}, with status 422 {"errors"}.
    """
    if wants_json(request):
        if status == 422:
            return problems_of([("", message)])
        return JsonResponse({"detail": message}, status=status)
    framed = getattr(request, "framed", request.headers.get("Sec-Fetch-Dest") == "iframe")
    context = {"message": message, "more": more, "framed": framed, "campaign": campaign}
    context["lists"] = not framed and (campaign is None or is_listed(campaign))
    return render(request, "tasks/refused.html", context, status=status)
