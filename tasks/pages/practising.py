"""The practice: a HIT's page of known answers, and then what is right, picture by picture (V7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tasks.crowds import Door
from tasks.crowds.tokens import try_of
from tasks.models import Campaign, PracticeItem, PracticeTry
from tasks.models.campaign import State
from tasks.pages.addresses import (
    consent_address,
    list_address,
    more_address,
    nothing_address,
    practice_address,
    session_address,
    thanks_address,
    way_on,
)
from tasks.pages.drafts import draft_of, fill_in, keep, keep_reports_of_ended, must_ask, take_draft
from tasks.pages.form_reading import read
from tasks.pages.hit_pages import (
    ENDED,
    GIVEN_TO_ANOTHER,
    NOT_GIVEN,
    ask_to_give_back,
    behind_the_door,
    form,
    refuse,
    worker_page,
)
from tasks.pages.leading import next_address
from tasks.pages.money import in_words
from tasks.pages.own_work import own_work
from tasks.pages.replies import SeeOther, lead_to, problems_of, wants_json
from tasks.pages.sheets import Section, ShownLabel, Tile, sheet_of
from tasks.work.admission import Admission, admission
from tasks.work.claiming import is_over
from tasks.work.consent import is_due
from tasks.work.practice import give_back, needed, next_try, submit_try


# Exempt from Django's CSRF check, as a HIT's page is: the try's token authorises each form.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@worker_page
@behind_the_door
def practice(request: HttpRequest, campaign: Campaign, door: Door) -> HttpResponse:
    """One try: its form, and once it is sent what is right."""
    token = request.POST.get("assignmentId") or request.GET.get("assignmentId")
    if (attempt := try_of(token, campaign)) is None:
        return refuse(request, 409, str(NOT_GIVEN), campaign=campaign)
    if not door.may_be(request, attempt.worker):
        return refuse(request, 409, str(GIVEN_TO_ANOTHER), campaign=campaign)
    if request.method == "POST":
        return _posted(request, attempt)
    if attempt.submitted_at is not None:
        return _feedback(request, attempt, door)
    if campaign.state == State.CLOSED:
        return _ended(request, attempt)
    if is_over(attempt):  # there "Begin" takes it up again
        return SeeOther(more_address(campaign, attempt))
    sheet = sheet_of(attempt)
    if (draft := draft_of(attempt)) is not None:
        fill_in(sheet, draft, problems="problems" in request.GET)
    return form(request, sheet, None, _carried(attempt), attempt.expires_at, _told(attempt))


def _carried(attempt: PracticeTry) -> dict[str, str]:
    return {"assignmentId": attempt.token}


def _told(attempt: PracticeTry) -> dict[str, Any]:
    """What its page says of a try. `pay`: where no set has a price of its own."""
    by_session = attempt.reward and attempt.session is not None
    return {
        "pictures": len(attempt.shown),
        "needed": needed(attempt),
        "number": attempt.hit.number,
        "tries": attempt.campaign.practice["tries"],
        "pays": attempt.reward > 0,
        "pay": in_words(attempt.reward, attempt.campaign.in_currency) if by_session else "",
    }


def _ended(request: HttpRequest, attempt: PracticeTry) -> HttpResponse:
    keep_reports_of_ended(attempt, request.POST)
    if attempt.session is not None and not wants_json(request):  # its page says how to leave
        return SeeOther(session_address(attempt.session))
    return refuse(request, 410, str(ENDED), campaign=attempt.campaign)


def _posted(request: HttpRequest, attempt: PracticeTry) -> HttpResponse:
    """A draft, an answer, work given back or taken up again, or the way on from what is right."""
    if "draft" in request.POST:
        if attempt.campaign.state == State.CLOSED:
            return _ended(request, attempt)
        return take_draft(request, attempt)
    if attempt.submitted_at is not None:
        return _go_on(attempt) if "go_on" in request.POST else _sent(request, attempt)
    if attempt.campaign.state == State.CLOSED:
        return _ended(request, attempt)
    if "return" in request.POST:
        if must_ask(request, draft_of(attempt)):
            address = practice_address(attempt)
            return ask_to_give_back(request, attempt.campaign, _carried(attempt), address)
        give_back(attempt)
        return lead_to(request, thanks_address(attempt))
    if "take_up" in request.POST:
        next_try(attempt.campaign, attempt.worker)
        return lead_to(request, practice_address(attempt))
    return _answer(request, attempt)


def _sent(request: HttpRequest, attempt: PracticeTry) -> HttpResponse:
    return lead_to(request, practice_address(attempt))


def _answer(request: HttpRequest, attempt: PracticeTry) -> HttpResponse:
    sheet = sheet_of(attempt)
    answer = read(sheet, request.POST)
    if answer is None:
        keep(attempt, request.POST, sheet)
        if wants_json(request):
            return problems_of(sheet.problems)
        return SeeOther(practice_address(attempt) + "&problems=1")
    if submit_try(attempt, answer) == "late":
        message = _(
            "Your time for this practice is over, and it can no longer be paid. Nothing of it is"
            " stored."
        )
        campaign = attempt.campaign
        return refuse(request, 410, message, way_on(campaign, attempt), campaign=campaign)
    return _sent(request, attempt)


def _go_on(attempt: PracticeTry) -> HttpResponse:
    """To the next try, or to the work that the worker was admitted to."""
    campaign, worker = attempt.campaign, attempt.worker
    carried = {"after": attempt.token}
    if admission(campaign, worker) == Admission.REFUSED:
        return SeeOther(practice_address(attempt))
    if is_due(campaign, worker):  # its text has been changed
        return SeeOther(consent_address(campaign, carried))
    return SeeOther(next_address(campaign, worker) or nothing_address(campaign, carried))


@dataclass(frozen=True)
class Verdict:
    """A picture of a try, with what its worker answered and what is known of it."""

    tile: Tile
    item: PracticeItem
    answer: str  # "": they reported it, or it was withdrawn
    is_right: bool | None  # None: they did not see it

    @property
    def known(self) -> str:
        return _("yes") if self.item.present else _("no")


def _feedback(request: HttpRequest, attempt: PracticeTry, door: Door) -> HttpResponse:
    """What is right, picture by picture, with the way on; or thanks where no try is left."""
    campaign, worker = attempt.campaign, attempt.worker
    standing = admission(campaign, worker)
    ended = standing == Admission.REFUSED
    is_open = campaign.state == State.OPEN
    in_session = attempt.session is not None and attempt.session.is_running
    items = {item.position: item for item in attempt.hit.items.all()}
    sections = [_judged(section, attempt, items) for section in sheet_of(attempt).sections]
    context = {
        "campaign": campaign,
        "attempt": attempt,
        "sections": sections,
        "needed": needed(attempt),
        "pay": in_words(attempt.reward, campaign.in_currency) if attempt.reward else "",
        "carried": _carried(attempt),
        "is_refused": ended,
        "list": "" if attempt.session else list_address(door.carried(request, worker)),
        "farewell": door.leaves(attempt.session) if ended and attempt.session else None,
        "own": own_work([worker], campaign)[campaign.pk],
        "is_open": is_open,
        "goes_on": (is_open or in_session) and not ended,  # a session ends on its own page
    }
    return render(request, "tasks/practised.html", context)


def _judged(
    section: Section, attempt: PracticeTry, items: Mapping[int, PracticeItem]
) -> tuple[ShownLabel, list[Verdict]]:
    return section.label, [_verdict(tile, attempt, items[tile.position]) for tile in section.tiles]


def _verdict(tile: Tile, attempt: PracticeTry, item: PracticeItem) -> Verdict:
    if tile.position in attempt.unseen:
        answer = "" if not tile.is_shown else _("it did not load")
        return Verdict(tile, item, answer, None)
    selected = tile.position in attempt.selected
    if tile.position in attempt.maybe:
        answer = _("maybe")
    else:
        answer = _("yes") if selected else _("no")
    return Verdict(tile, item, answer, selected == item.present)
