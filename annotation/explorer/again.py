"""Asks the images of a view again: what a draft of them would be, and the button that begins it."""

import json

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.explorer.frame import explorer_page, framed
from annotation.explorer.lists import keys_of, view_listed
from annotation.rights import RESEARCH, allowed
from annotation.rights.pages import needs
from imagesets.models import Dataset
from tasks.campaigns.asked import without_discarded
from tasks.models import Campaign
from tasks.models.campaign import Kind, State

MOST = 20_000  # images: their keys go through the steps' forms
SOURCES = 20


@needs(RESEARCH, Dataset)
@require_safe
@never_cache
@explorer_page
def again(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The page; its forms post the keys to the campaign's steps. It changes nothing itself."""
    view = view_listed(request, dataset)
    few = 0 < len(view) <= MOST
    ended = Campaign.objects.filter(
        dataset=dataset, kind=Kind.CONTAINS, adds_to=None, state__in=[State.FINISHED, State.CLOSED]
    )
    context = framed(request, dataset, "explorer-images", view) | {
        "title": f"{dataset.name}: ask again",
        "query": view.query(),
        "images": len(view),
        "most": MOST,
        "keys": json.dumps(keys_of(view), ensure_ascii=False) if few else "",
        "sources": allowed(request.user, RESEARCH, without_discarded(ended))[:SOURCES],
    }
    return TemplateResponse(request, "explorer/again.html", context)
