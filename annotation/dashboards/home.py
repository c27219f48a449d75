"""The home of the researchers' pages, /admin/: what needs them, and what is under way."""

from itertools import chain
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from annotation.path.needs import needs_of
from annotation.path.standing import UNDER_WAY, Standing, standing_of
from annotation.path.times import about
from annotation.rights import RESEARCH, may_somewhere, visible
from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.models.campaign import State

CARDS = 24  # campaigns under way
RECENT = 24  # drafts and ended campaigns that are looked at for what they need


def add_home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the home page shows besides the frame (unfold's DASHBOARD_CALLBACK)."""
    campaigns = visible(request.user, Campaign.objects.select_related("dataset", "source"))
    under_way = campaigns.filter(state__in=UNDER_WAY)[:CARDS]
    others = campaigns.exclude(state__in=[*UNDER_WAY, State.CLOSED])[:RECENT]
    standings = standing_of(chain(under_way, others))
    datasets = visible(request.user, Dataset.objects.order_by("-created_at"))
    return context | {
        "title": "Home",
        "needs": needs_of(standings, request.user),
        "cards": [_card(each) for each in standings if each.campaign.state in UNDER_WAY],
        "datasets": [
            (dataset, reverse("dataset", args=[dataset.slug])) for dataset in datasets[:RECENT]
        ],
        "may_import": may_somewhere(request.user, RESEARCH),
    }


def _card(standing: Standing) -> dict[str, Any]:
    campaign, completion = standing.campaign, standing.completion
    return {
        "campaign": campaign,
        "address": reverse("campaign-progress", args=[campaign.slug]),
        "percent": f"{completion.percent:.1f}" if completion.total else "",
        "answers": f"{completion.done:,} of {completion.total:,} answers used",
        "money": _money(standing),
        "finish": _finish(standing),
    }


def _money(standing: Standing) -> str:
    campaign = standing.campaign
    spent = campaign.as_money(standing.spent)
    if campaign.budget is None:
        return f"{spent} so far"
    return f"{spent} of {campaign.as_money(campaign.budget)}"


def _finish(standing: Standing) -> str:
    if standing.campaign.state == State.PAUSED:
        return "paused"
    return f"done {about(standing.finish, standing.pace.now)}" if standing.finish else "no pace yet"
