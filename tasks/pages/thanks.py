"""The page that a worker sees when there is no HIT to show: why, in one table of sentences."""

from enum import StrEnum
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tasks.crowds import Farewell, crowd_of
from tasks.models import Assignment, Campaign, PracticeTry, Stop, Work, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.pages.addresses import absolute, list_address, more_address
from tasks.pages.hit_pages import is_listed
from tasks.pages.own_work import own_work
from tasks.work.admission import Admission, admission
from tasks.work.eligibility import KEPT_OUT, eligibility


class Reason(StrEnum):
    """Why the page shows no HIT."""

    LATE = "late"
    ANSWERED = "answered"  # just now or before
    RETURNED = "returned"
    STOPPED = "stopped"
    REFUSED = "refused"  # what the study asks workers to agree to
    NOT_ADMITTED = "not admitted"  # by the practice
    EXCLUDED = "excluded"  # by earlier work
    NOT_AMONG = "not among"  # those whom earlier work lets in
    LAPSED = "lapsed"  # the invitation
    DRAFT = "draft"
    PAUSED = "paused"
    FINISHED = "finished"
    CLOSED = "closed"
    NOTHING_NOW = "nothing now"


class Words(NamedTuple):
    """What the page says."""

    heading: Promise
    text: Promise
    newcomer: Promise | str = ""  # for somebody who has answered nothing yet; "": the heading
    sent_back: Promise | str = ""  # for somebody whom the page leads back to their crowd; "": text
    link: Promise = _("Look again")


WORDS = {
    Reason.LATE: Words(
        _("Thank you, though your answers came too late"),
        _(
            "Your time for this work was over, and somebody else has done it since. Your answers"
            " are kept, but they do not count in the results."
        ),
        link=_("Go on to the next"),
    ),
    Reason.ANSWERED: Words(
        _("Thank you"),
        _("Your answers to this work are stored. Sending them again changes nothing."),
        link=_("Go on to the next"),
    ),
    Reason.RETURNED: Words(
        _("You have given the work back"),
        _("None of your answers were stored. Thank you for having a look."),
        link=_("Go on to the next"),
    ),
    Reason.STOPPED: Words(
        _("Thank you for your work"),
        _("We have no more work for you in this study."),
    ),
    Reason.REFUSED: Words(
        _("You do not take part"),
        _(
            "That is fine, and costs you nothing: we give you no work of this study. If you change"
            " your mind, read the text again."
        ),
        link=_("Read the text again"),
    ),
    Reason.NOT_ADMITTED: Words(
        _("Thank you for practising"),
        _("Too few of your answers were right, so we have no work for you in this study."),
    ),
    **{
        Reason[each.name]: Words(_("This study is for other people"), text)
        for each, text in KEPT_OUT.items()
    },
    Reason.LAPSED: Words(
        _("Thank you for your work"),
        _(
            "Your invitation was withdrawn or has expired, so it opens no more work. Whatever you"
            " sent is stored. If you want to go on, ask whoever sent it to you for a new one."
        ),
    ),
    Reason.DRAFT: Words(
        _("Not open yet"),
        _("This study has not started. Please come back later, using the same link."),
    ),
    Reason.PAUSED: Words(
        _("Thank you"),
        _(
            "The study is paused. Whatever you sent is stored. Please come back later, using the"
            " same link."
        ),
        newcomer=_("Paused"),
        sent_back=_("The study is paused, so there is no work for you now."),
    ),
    Reason.FINISHED: Words(
        _("Thank you: the study is finished"),
        _("Everything has been answered. There will be no more work."),
        newcomer=_("The study is finished"),
    ),
    Reason.CLOSED: Words(
        _("Thank you: the study has ended"),
        _("There will be no more work."),
        newcomer=_("The study has ended"),
    ),
    Reason.NOTHING_NOW: Words(
        _("Thank you: there is nothing for you to do right now"),
        _(
            "Other people are working on the rest of this study, or it needs a fresh pair of eyes."
            " There may be more later: look again, using the same link."
        ),
        newcomer=_("There is nothing for you to do right now"),
        sent_back=_("Other people are working on the rest of this study."),
    ),
}
NO_MORE = (
    *(Reason.STOPPED, Reason.LAPSED, Reason.NOT_ADMITTED),
    *(Reason.EXCLUDED, Reason.NOT_AMONG),
)
STATES = {
    State.DRAFT: Reason.DRAFT,
    State.OPEN: Reason.NOTHING_NOW,
    State.PAUSED: Reason.PAUSED,
    State.FINISHED: Reason.FINISHED,
    State.CLOSED: Reason.CLOSED,
}


def stored_as(done: Assignment) -> Reason:
    """What an answer that was stored before was told when it came."""
    return Reason.LATE if done.state == AssignmentState.EXPIRED else Reason.ANSWERED


def no_more_work(campaign: Campaign, worker: Worker | None) -> Reason:
    """Why the worker gets no further HIT of the campaign."""
    stopped = Stop.objects.filter(campaign=campaign, worker=worker)
    if worker is not None and stopped.exists():
        return Reason.STOPPED
    if (standing := eligibility(campaign, worker)) in KEPT_OUT:
        return Reason[standing.name]
    if admission(campaign, worker) == Admission.REFUSED:
        return Reason.NOT_ADMITTED
    door = crowd_of(campaign).door if campaign.state == State.OPEN else None
    if worker is not None and door is not None and door.barred(campaign, worker):
        return Reason.LAPSED
    return STATES[State(campaign.state)]


def thank(
    request: HttpRequest,
    campaign: Campaign,
    worker: Worker | None,
    reason: Reason,
    done: Work | None = None,
    status: int = 200,
    more: str = "",
    farewell: Farewell | None = None,
) -> HttpResponse:
    """The page; `done`: the work that the worker has just answered or given back.

    `more`: the address where they may look for more work, if it is not the campaign's own.
    `farewell`: what their crowd adds.
    """
    own = own_work([worker] if worker is not None else [], campaign)[campaign.pk]
    may_go_on = campaign.state == State.OPEN and reason not in NO_MORE
    in_session = done is not None and done.session_id is not None
    returned = done is not None and _was_given_back(done)
    if returned and reason not in (Reason.LATE, Reason.ANSWERED):
        reason = Reason.RETURNED
    words = WORDS[reason]
    context = {
        "heading": words.heading if own.done else words.newcomer or words.heading,
        "text": (words.sent_back if farewell and farewell.text else "") or words.text,
        "farewell": farewell,
        "own": own,
        "campaign": campaign,
        "list": list_address(_carried(request, campaign, worker)) if is_listed(campaign) else "",
        "personal_link": _personal_link(request, campaign, worker),
        "more": (more or more_address(campaign, done)) if may_go_on or in_session else "",
        "link": words.link if may_go_on else _("Go on"),
    }
    return render(request, "tasks/thanks.html", context, status=status)


def _was_given_back(done: Work) -> bool:
    if isinstance(done, PracticeTry):
        return done.submitted_at is None
    return done.state == AssignmentState.RETURNED


def _carried(request: HttpRequest, campaign: Campaign, worker: Worker | None) -> dict[str, str]:
    door = crowd_of(campaign).door
    return door.carried(request, worker) if door is not None and worker is not None else {}


def _personal_link(request: HttpRequest, campaign: Campaign, worker: Worker | None) -> str:
    """The worker's own link, for a browser that proves to be theirs; "" for any other (rule V5)."""
    door = crowd_of(campaign).door
    if door is None or worker is None or not door.remembers(request, worker):
        return ""
    return absolute(request, door.personal_link(campaign, worker.external_id))
