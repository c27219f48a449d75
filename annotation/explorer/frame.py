"""What the pages of the explorer share: tabs, the choice of a study, what is not there yet."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from annotation.explorer.columns import Replaced
from annotation.explorer.filters import BadFilter
from annotation.explorer.keeping import Failed, NotReady
from annotation.explorer.view import View
from annotation.report.campaigns import Campaigns
from annotation.rights.rules import visible
from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.models.campaign import Kind, State

# The pages of the explorer: the name of each one's address, and its title.
TABS = (
    ("explorer-images", "Images"),
    ("explorer-labels", "Labels"),
    ("explorer-pairs", "Pairs"),
)
STUDIES = 20  # to choose from


@dataclass(frozen=True)
class Study:
    """A study that can be looked at; `query` asks for it."""

    name: str
    query: str
    on: bool


def framed(
    request: HttpRequest,
    dataset: Dataset,
    here: str,
    view: View | None = None,
    study: Campaigns = (None, None),
) -> dict[str, Any]:
    """The context of a page of the explorer; `here`: the name of its address; `study`: what it is
    about, where there is no view."""
    campaigns = view.campaigns if view is not None else [each for each in study if each]
    slug = view.campaign if view is not None else request.GET.get("campaign")
    query = f"?campaign={slug}" if slug else ""
    return {
        **admin.site.each_context(request),
        "title": f"{dataset.name}: {dict(TABS).get(here, 'images').lower()}",
        "dataset": dataset,
        "view": view,
        "tabs": [
            (title, reverse(name, args=[dataset.slug]) + query, name == here)
            for name, title in TABS
        ],
        "campaigns": campaigns,
        "studies": studies_of(request, dataset, campaigns),
        "missing": what_is_missing(view) if view is not None else "",
    }


def studies_of(request: HttpRequest, dataset: Dataset, shown: list[Campaign]) -> list[Study]:
    """The studies of a dataset that the user may choose; none if there is no choice."""
    every = visible(request.user, Campaign.objects.filter(dataset=dataset, adds_to=None))
    followed = Campaign.objects.filter(dataset=dataset).exclude(state=State.DRAFT)
    last = every.exclude(state=State.DRAFT).filter(
        Q(kind=Kind.CLASSIFY) | ~Q(pk__in=followed.exclude(source=None).values("source"))
    )
    now = shown[-1].pk if shown else None
    studies = [
        Study(campaign.name, f"?campaign={campaign.slug}", campaign.pk == now)
        for campaign in last[:STUDIES]
    ]
    return studies if len(studies) > 1 else []


def what_is_missing(view: View) -> str:
    """Why the view's images have no results; "" if they have some."""
    if not view.campaigns:
        return "No campaign has ended yet, so these are the dataset's images without answers."
    without = [campaign for campaign in view.campaigns if not campaign.runs.exists()]
    if len(without) < len(view.campaigns):
        return ""
    return f"No results yet: {without[0].name} has not been aggregated."


def explorer_page(
    view: Callable[..., HttpResponse],
) -> Callable[..., HttpResponse]:
    """A page whose view may raise BadFilter, NotReady or Failed: each is a page of its own."""

    @wraps(view)
    def guarded(request: HttpRequest, dataset: Dataset, **rest: Any) -> HttpResponse:
        try:
            return view(request, dataset, **rest)
        except BadFilter as error:
            state, status = {"refused": str(error)}, 400
        except NotReady:
            state, status = {"waiting": "1"}, 202
        except Failed as error:
            state, status = {"failed": str(error)}, 503
        except Replaced:
            return HttpResponseRedirect(request.get_full_path())
        context = framed(request, dataset, "explorer-images") | state
        return TemplateResponse(request, "explorer/state.html", context, status=status)

    return guarded
