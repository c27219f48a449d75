"""A session's page: how far it is, going on for a bonus or finishing, and how its worker leaves."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tasks.crowds import Door
from tasks.crowds.tokens import session_of
from tasks.models import Campaign, Session
from tasks.models.campaign import State
from tasks.models.session import REOPENED, MarketStatus, SessionOutcome
from tasks.pages.addresses import SESSION, campaign_address, hit_address, session_address
from tasks.pages.hit_pages import GIVEN_TO_ANOTHER, behind_the_door, refuse, worker_page
from tasks.pages.money import in_words
from tasks.pages.own_work import own_work
from tasks.pages.replies import SeeOther
from tasks.work.claiming import bonus_on_offer, conclude, next_assignment, running_assignment
from tasks.work.sessions import Progress, end, progress_of


class Words(NamedTuple):
    """What the page says of how a session ended."""

    heading: Promise
    text: Promise
    again: Promise = gettext_lazy("Look again")  # where it may go on after all


ENDED = {
    SessionOutcome.DONE: Words(
        gettext_lazy("Thank you: you are done"),
        gettext_lazy("Your answers are stored, and nothing more is to be done."),
    ),
    SessionOutcome.SCREENED_OUT: Words(
        gettext_lazy("Thank you for practising"),
        gettext_lazy(
            "Too few of your answers were right, so we have no work for you in this study."
        ),
    ),
    SessionOutcome.NO_CONSENT: Words(
        gettext_lazy("You do not take part"),
        gettext_lazy("That is fine, and costs you nothing: we give you no work of this study."),
        gettext_lazy("Read the text again"),
    ),
    SessionOutcome.NO_WORK: Words(
        gettext_lazy("There is nothing left to do"),
        gettext_lazy("Others have done the rest of this study, so we have no work for you."),
    ),
    SessionOutcome.DEVICE: Words(
        gettext_lazy("This device does not suit the study"),
        gettext_lazy("The work cannot be done on the device that you use."),
    ),
    SessionOutcome.LEFT: Words(
        gettext_lazy("This session is over"),
        gettext_lazy(
            "It was given back, or you were away for long, or have begun another session. Whatever"
            " you sent is stored."
        ),
    ),
}


# Exempt from Django's CSRF check, as a HIT's page is: the session's token authorises each form.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@worker_page
@behind_the_door
def session(request: HttpRequest, campaign: Campaign, door: Door) -> HttpResponse:
    """Where a session stands: go on, or finish, or, once it has ended, how to leave."""
    mine = session_of(request.POST.get(SESSION) or request.GET.get(SESSION), campaign)
    if mine is None:
        message = _("This address belongs to no session of this study.")
        return refuse(request, 409, message, campaign=campaign)
    if not door.may_be(request, mine.worker):
        return refuse(request, 409, str(GIVEN_TO_ANOTHER), campaign=campaign)
    if request.method == "POST":
        return SeeOther(_act(request.POST, campaign, mine))
    if not mine.is_running:
        return _ended(request, mine, door)
    return _running(request, mine)


def _act(form: Mapping[str, str], campaign: Campaign, mine: Session) -> str:
    """Go on or finish, as the form says. Returns the address of the page that follows."""
    if mine.is_running and campaign.state == State.CLOSED and {"go_on", "finish"} & form.keys():
        conclude(campaign, mine)
    elif mine.is_running and "finish" in form and progress_of(mine).is_full:
        end(mine, SessionOutcome.DONE, mine.worker.pseudonym, "finished")
    elif mine.is_running and "go_on" in form:
        following = next_assignment(campaign, mine.worker, goes_on=True)
        if following is not None:
            return hit_address(following)
        conclude(campaign, mine)
    return session_address(mine)


def _running(request: HttpRequest, mine: Session) -> HttpResponse:
    """How far it is, with the way on; and to finish it, once it is full."""
    campaign = mine.campaign
    progress = progress_of(mine)
    is_over = campaign.state == State.CLOSED
    running = running_assignment(campaign, mine.worker) if not is_over else None
    offer = bonus_on_offer(campaign, mine)
    context = {
        "campaign": campaign,
        "session": mine,
        "progress": progress,
        "is_over": is_over,
        "pay": _sum(mine, mine.reward) if progress.answered or not is_over else "",
        "earned": _sum(mine, progress.earned),
        "work": hit_address(running) if running is not None else "",
        "bonus": _offered(mine, offer) if offer is not None else "",
        "name": SESSION,
    }
    return render(request, "tasks/session.html", context)


def _offered(mine: Session, offer: tuple[Decimal, Decimal]) -> str:
    least, most = offer
    if least == most:
        return _sum(mine, least)
    return _("{least} to {most}").format(least=_sum(mine, least), most=_sum(mine, most))


def _sum(mine: Session, amount: Decimal) -> str:
    return in_words(amount, mine.campaign.in_currency) if amount else ""


def _ended(request: HttpRequest, mine: Session, door: Door) -> HttpResponse:
    progress: Progress = progress_of(mine)
    words = ENDED[SessionOutcome(mine.outcome)]
    reopened = mine.outcome in REOPENED and mine.campaign.state == State.OPEN
    proof = door.proof(mine.worker.external_id)
    context = {
        "campaign": mine.campaign,
        "session": mine,
        "heading": words.heading,
        "text": words.text,
        "progress": progress,
        "is_done": mine.outcome == SessionOutcome.DONE,
        "is_rejected": mine.market_state == MarketStatus.REJECTED,
        "pay": _sum(mine, mine.reward),
        "earned": _sum(mine, progress.earned),
        "farewell": door.leaves(mine),
        "own": own_work([mine.worker], mine.campaign)[mine.campaign_id],
        "again": campaign_address(mine.campaign, proof) if reopened else "",
        "again_words": words.again,
    }
    return render(request, "tasks/session_ended.html", context)
