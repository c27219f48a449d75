"""What comes next for a campaign: one sentence, and the button that does it."""

from dataclasses import dataclass
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
    """`button` and `address` are "" where there is nothing to press, or not for this person."""

    sentence: str
    button: str = ""
    address: str = ""
    urgency: Urgency = Urgency.LATER


def next_step(standing: Standing, user: Any) -> NextStep:
    """What comes next for the campaign, with the button only for those who may press it."""
    sentence, button, address, right, urgency = _next(standing)
    if not button or not may(user, right, standing.campaign):
        button = address = ""
    return NextStep(sentence, button, address, urgency)


def _next(standing: Standing) -> tuple[str, str, str, Right, Urgency]:
    campaign = standing.campaign
    if campaign.state == State.DRAFT:
        sentence = "It is a draft: nobody has been asked anything yet."
        address = reverse("campaign-step", args=[campaign.slug, "asked"])
        return sentence, "Go on with it", address, RESEARCH, Urgency.SOON
    if standing.failure:
        what, at = standing.failure.subject, standing.failure.at
        sentence = (
            f"The last {what} failed on {at:%-d %B at %H:%M} UTC: {standing.failure.why} The next"
            " nightly job tries again."
        )
        return sentence, "Aggregate now", _step(campaign, "aggregate"), RESEARCH, Urgency.NOW
    if standing.to_review:
        address = reverse("campaign-review", args=[campaign.slug])
        sentence = f"{_answers(standing.to_review)} for your review."
        return sentence, "Review", address, REVIEW, Urgency.NOW
    if campaign.state == State.PAUSED:
        sentence = "It is paused: no work is given out."
        return sentence, "Resume", _step(campaign, "resume"), RESEARCH, Urgency.SOON
    if campaign.state == State.OPEN:
        return _open(standing)
    return _ended(standing)


def _open(standing: Standing) -> tuple[str, str, str, Right, Urgency]:
    campaign, finish = standing.campaign, standing.finish
    if standing.is_short:
        sentence = (
            f"Its budget ends at {campaign.target} of {campaign.workers_per_item} answers to each"
            " HIT: it will finish with those."
        )
        return sentence, "", "", VIEW, Urgency.SOON
    if finish:
        return (
            f"It will be finished {about(finish, standing.pace.now)}.",
            "",
            "",
            VIEW,
            Urgency.LATER,
        )
    if standing.pace.last is None:
        sentence = "It is open, and nobody has answered yet."
        return sentence, *_bring_workers(campaign), Urgency.LATER
    sentence = "It is open, but nobody has answered in the last 24 hours."
    return sentence, *_bring_workers(campaign), Urgency.SOON


def _bring_workers(campaign: Campaign) -> tuple[str, str, Right]:
    if campaign.crowd != "local" or campaign.open != "invited":
        return "", "", VIEW
    return "Invite workers", _step(campaign, "invite"), RESEARCH


def _ended(standing: Standing) -> tuple[str, str, str, Right, Urgency]:
    campaign = standing.campaign
    ended = "Finished" if campaign.state == State.FINISHED else "Ended by hand"
    if standing.is_short:
        ended += (
            f" with {campaign.target} of {campaign.workers_per_item} answers to each HIT, which its"
            " budget carried"
        )
    if not standing.is_aggregated:
        sentence = f"{ended}; its results are being computed."
        return sentence, "Aggregate now", _step(campaign, "aggregate"), RESEARCH, Urgency.LATER
    report = reverse("report", args=[campaign.dataset.slug]) + f"?campaign={campaign.slug}"
    if campaign.kind == Kind.CONTAINS and not standing.followers and campaign.adds_to_id is None:
        sentence = f"{ended}: ask which objects the images show, or read the report."
        return sentence, "Ask with CLASSIFY", _follow_up(campaign), RESEARCH, Urgency.SOON
    return (
        f"{ended}: its results are in the report.",
        "Read the report",
        report,
        VIEW,
        Urgency.LATER,
    )


def _answers(number: int) -> str:
    return "1 answer waits" if number == 1 else f"{number:,} answers wait"


def _follow_up(campaign: Campaign) -> str:
    return f"{reverse('campaign-new')}?{urlencode({'source': campaign.slug})}"


def _step(campaign: Campaign, name: str) -> str:
    return reverse(f"admin:tasks_campaign_{name}", args=[campaign.pk])
