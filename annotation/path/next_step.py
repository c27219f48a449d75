"""What comes next for a campaign: one sentence, and the button that does it."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from annotation.path.standing import Standing
from annotation.path.times import about
from annotation.rights import RESEARCH, REVIEW, VIEW, Right, may
from tasks.models import Campaign
from tasks.models.campaign import Kind, State


class Urgency(IntEnum):
    """How much a person is needed: the home page lists what is above LATER."""

    NOW = 2  # the study stands still, or goes wrong, without them
    SOON = 1  # something waits that only a person can decide
    LATER = 0  # it goes on by itself


@dataclass(frozen=True)
class NextStep:
    """`button` and `address` are "" where there is nothing to press, or not for this person.

    `right`: what it takes to press the button.
    """

    sentence: str
    button: str = ""
    address: str = ""
    right: Right = VIEW
    urgency: Urgency = Urgency.LATER


def next_step(standing: Standing, user: Any) -> NextStep:
    """What comes next for the campaign, with the button only for those who may press it."""
    step = _next(standing)
    if step.button and not may(user, step.right, standing.campaign):
        return replace(step, button="", address="")
    return step


def _next(standing: Standing) -> NextStep:
    campaign = standing.campaign
    if campaign.state == State.DRAFT and standing.news is not None:
        sentence = "It holds imported answers and asks nobody: end it to have its results."
        return NextStep(sentence, "End the study", _step(campaign, "close"), RESEARCH, Urgency.SOON)
    if campaign.state == State.DRAFT:
        sentence = "It is a draft: nobody has been asked anything yet."
        address = reverse("campaign-step", args=[campaign.slug, "asked"])
        return NextStep(sentence, "Go on with it", address, RESEARCH, Urgency.SOON)
    if standing.failure:
        what, at = standing.failure.subject, standing.failure.at
        sentence = (
            f"The last {what} failed on {at:%-d %B at %H:%M} UTC: {standing.failure.why} The next"
            " nightly job tries again."
        )
        address = _step(campaign, "aggregate")
        return NextStep(sentence, "Aggregate now", address, RESEARCH, Urgency.NOW)
    if standing.to_review:
        address = reverse("campaign-review", args=[campaign.slug])
        sentence = f"{_answers(standing.to_review)} for your review."
        return NextStep(sentence, "Review", address, REVIEW, Urgency.NOW)
    if campaign.state == State.PAUSED:
        sentence = "It is paused: no work is given out."
        address = _step(campaign, "resume")
        return NextStep(sentence, "Resume", address, RESEARCH, Urgency.SOON)
    if campaign.state == State.OPEN:
        return _open(standing)
    return _ended(standing)


def _open(standing: Standing) -> NextStep:
    campaign, finish = standing.campaign, standing.finish
    if standing.is_short:
        sentence = (
            f"Its budget ends at {campaign.target} of {campaign.workers_per_item} answers to each"
            " HIT: it will finish with those, unless you raise it."
        )
        address = reverse("campaign-change", args=[campaign.slug])
        return NextStep(sentence, "Decide", address, RESEARCH, Urgency.SOON)
    if finish:
        return NextStep(f"It will be finished {about(finish, standing.pace.now)}.")
    step = NextStep("It is open, and nobody has answered yet.")
    if standing.pace.last is not None:
        sentence = "It is open, but nobody has answered in the last 24 hours."
        step = NextStep(sentence, urgency=Urgency.SOON)
    if campaign.crowd != "local" or campaign.open != "invited":
        return step
    if not standing.invites:
        step = NextStep("It is open, but nobody has a link to begin with.", urgency=Urgency.SOON)
    address = _step(campaign, "invite")
    return replace(step, button="Invite workers", address=address, right=RESEARCH)


def _ended(standing: Standing) -> NextStep:
    campaign = standing.campaign
    ended = "Finished" if campaign.state == State.FINISHED else "Ended by hand"
    if standing.is_short:
        ended += (
            f" with {campaign.target} of {campaign.workers_per_item} answers to each HIT, which its"
            " budget carried"
        )
    if not standing.is_aggregated:
        sentence = f"{ended}; its results are being computed."
        return NextStep(sentence, "Aggregate now", _step(campaign, "aggregate"), RESEARCH)
    if campaign.kind == Kind.CONTAINS and not standing.followers and campaign.adds_to_id is None:
        sentence = f"{ended}: ask which objects the images show, or read the report."
        address = f"{reverse('campaign-new')}?{urlencode({'source': campaign.slug})}"
        return NextStep(sentence, "Ask with CLASSIFY", address, RESEARCH, Urgency.SOON)
    report = reverse("report", args=[campaign.dataset.slug]) + f"?campaign={campaign.slug}"
    return NextStep(f"{ended}: its results are in the report.", "Read the report", report)


def _answers(number: int) -> str:
    return "1 answer waits" if number == 1 else f"{number:,} answers wait"


def _step(campaign: Campaign, name: str) -> str:
    return reverse(f"admin:tasks_campaign_{name}", args=[campaign.pk])
