"""A campaign's page, /campaigns/{slug}/: what comes next, how far it is, who works on it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.admin.campaigns import steps_of
from annotation.dashboards.invitations import invitations_of
from annotation.dashboards.latest import latest_answers, latest_comments
from annotation.dashboards.log import latest_changes
from annotation.dashboards.progress import count_progress
from annotation.dashboards.workers import workers_of
from annotation.drawn.picture import Drawn
from annotation.links import notes_of
from annotation.path.next_step import next_step
from annotation.path.standing import Standing, standing_of
from annotation.path.times import about
from annotation.rights import OWN, RESEARCH, REVIEW, VIEW, may
from annotation.rights.pages import needs
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.money.hourly import shortfall
from tasks.results.prevalence import bands
from tasks.work.reporting import open_pictures
from tasks.work.rounds import state_told

REPORTED = 12  # pictures shown


@needs(VIEW, Campaign)
@require_safe
@never_cache
def campaign_page(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page; its script brings the figures up to date while the campaign is open."""
    (standing,) = standing_of([campaign])
    progress, short = count_progress(campaign), shortfall(campaign)
    context = {
        **admin.site.each_context(request),
        "title": campaign.name,
        "campaign": campaign,
        "state": state_told(campaign),
        "related": _related(request, campaign),
        "step": next_step(standing, request.user),
        "percent": f"{standing.completion.percent:.1f}" if standing.completion.total else "",
        "facts": _facts(standing),
        "rounds": {
            "headers": ["round", "answered", "running", "free"],
            "rows": [
                [
                    round_.number,
                    f"{round_.answered:,} of {round_.places:,}",
                    f"{round_.running:,}",
                    f"{round_.free:,}",
                ]
                for round_ in progress.rounds
            ],
        },
        "progress": progress,
        "workers": workers_of(campaign),
        "may_review": may(request.user, REVIEW, campaign),
        "latest": latest_answers(campaign),
        "comments": latest_comments(campaign),
        "shares": _shares(campaign),
        "run": standing.run,
        "is_open": campaign.state == State.OPEN,
        "steps": _steps(request, campaign, short is not None),
        "may_research": may(request.user, RESEARCH, campaign),
        "reported": _reported(campaign),
        "reported_page": reverse("admin:tasks_picturereport_changelist")
        + f"?campaign__id__exact={campaign.pk}&state=open",
        "flags_page": reverse("admin:tasks_flag_changelist")
        + f"?campaign__id__exact={campaign.pk}",
        "settings_page": reverse("admin:tasks_campaign_change", args=[campaign.pk]),
        "invitations": invitations_of(request, campaign),
        "notes": notes_of(request, campaign, short),
        "changes": latest_changes(campaign),
        "owns": may(request.user, OWN, campaign),
    }
    return TemplateResponse(request, "pages/campaign.html", context)


def _related(request: HttpRequest, campaign: Campaign) -> list[tuple[str, Campaign]]:
    """The campaigns that it goes with, of those that this person sees: how, and which."""
    others = [("follows", campaign.source), ("adds to", campaign.adds_to)]
    others += [("followed by", other) for other in campaign.followed_by.order_by("pk")]
    others += [("added to by", other) for other in campaign.additions.order_by("pk")]
    return [(how, other) for how, other in others if other and may(request.user, VIEW, other)]


def _facts(standing: Standing) -> list[str]:
    """Where it stands in short, by the figures that the API tells too (ProgressSerializer)."""
    campaign, completion = standing.campaign, standing.completion
    facts = [
        f"{completion.done:,} of {completion.total:,} answers used, to {completion.hits:,} HITs"
        if completion.hits
        else "no HIT is laid out yet",
        f"{campaign.as_money(standing.spent)} of {campaign.as_money(campaign.budget)}"
        if campaign.budget is not None
        else f"{campaign.as_money(standing.spent)} paid and owed",
    ]
    if campaign.state == State.OPEN:
        if standing.pace.per_hour:
            facts.append(f"{standing.pace.per_hour:,.1f} answers an hour")
        if standing.finish:
            facts.append(f"done {about(standing.finish, standing.pace.now)}")
        if standing.missing:
            answers = "answer" if standing.missing == 1 else "answers"
            facts.append(f"{standing.missing:,} {answers} still to come")
    return facts


def _reported(campaign: Campaign) -> list[tuple[Drawn, int, list[str]]]:
    """Pictures whose reports nobody has resolved: each with their number and reasons."""
    return [
        (Drawn.of(each.image), each.reports, each.reasons)
        for each in open_pictures(campaign)[:REPORTED]
    ]


def _steps(request: HttpRequest, campaign: Campaign, falls_short: bool) -> list[tuple[str, str]]:
    """(name, address) of the steps that its state allows and this person may take."""
    if not may(request.user, RESEARCH, campaign):
        return []
    return [
        (name, reverse(f"admin:tasks_campaign_{step}", args=[campaign.pk]))
        for step, name in steps_of(campaign, falls_short)
    ]


def _shares(campaign: Campaign) -> dict[str, Any]:
    """The table of sections by their share of positives (rule F5)."""
    return {
        "headers": ["expected share", "sections", "expected", "selected"],
        "rows": [
            [
                f"{band.low:.0%} to {band.high:.0%}",
                f"{band.sections:,}",
                f"{band.expected:.1%}",
                f"{band.observed:.1%} of {band.shown:,}" if band.observed is not None else "-",
            ]
            for band in bands(campaign)
        ],
    }


urlpatterns = [path("campaigns/<slug:slug>/", campaign_page, name="campaign-progress")]
