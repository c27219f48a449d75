"""The images of a study, /datasets/{slug}/images/: a card each, filters, facets."""

import numpy as np
from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.explorer.cards import cards_of
from annotation.explorer.facets import facets_of
from annotation.explorer.filters import ALL_OF, CHOICES, LABELS, RANGES, BadFilter, refuse_unknown
from annotation.explorer.form import fields_of, hidden_of, names_of_labels
from annotation.explorer.frame import explorer_page, framed
from annotation.explorer.view import PAGE, View
from annotation.rights import RESEARCH, REVIEW, VIEW, may
from annotation.rights.pages import needs
from annotation.rights.rules import visible
from imagesets.models import Dataset, Image

MOST = 200  # datasets listed
OTHERS = ("campaign", "after", "before")  # parameters that are no filters


@login_required
@permission_required("imagesets.view_image", raise_exception=True)
@require_safe
@never_cache
def datasets(request: HttpRequest) -> HttpResponse:
    """Whose images to look at; where there is but one dataset, its images at once."""
    seen = list(visible(request.user, Dataset.objects.order_by("name"))[:MOST])
    if len(seen) == 1:
        return HttpResponseRedirect(reverse("explorer-images", args=[seen[0].slug]))
    context = {**admin.site.each_context(request), "title": "Explorer", "datasets": seen}
    return TemplateResponse(request, "explorer/datasets.html", context)


@needs(VIEW, Dataset)
@require_safe
@never_cache
@explorer_page
def images(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The page; `?after=` or `?before=` an image's id, else from the first on."""
    query = request.GET
    if any(not value for value in query.values()):  # a form's empty fields
        return HttpResponseRedirect(_without_empty(request.path, query))
    refuse_unknown(query, OTHERS)
    view = View.asked_for(request.user, dataset, query)
    page = view.page(
        after=image_of(query, "after", dataset), before=image_of(query, "before", dataset)
    )
    cards = cards_of(view, page.ids)
    researches = may(request.user, RESEARCH, dataset)
    context = framed(request, dataset, "explorer-images", view) | {
        "cards": cards,
        "page": page,
        "facets": facets_of(view),
        "in_use": in_use(view),
        "fields": fields_of(view),
        "hidden": hidden_of(view),
        "names": names_of_labels(view),
        "open_form": bool(set(view.filters.in_use) - {"text", *CHOICES, "right", "wrong"}),
        "here": request.path,
        "page_size": PAGE,
        "query": view.query(),
        "earlier": view.query(before=cards[0].image.public_id) if page.before and cards else "",
        "later": view.query(after=cards[-1].image.public_id) if page.after and cards else "",
        "may_research": researches,
        "may_judge": may(request.user, REVIEW, dataset) and not view.filters.withdrawn,
        "withdrawn": np.count_nonzero(view.withdrawn) if researches else 0,
    }
    return TemplateResponse(request, "explorer/images.html", context)


def image_of(query: QueryDict, name: str, dataset: Dataset) -> int | None:
    """The id of the image that a parameter names by its public id. Raises BadFilter."""
    public_id = query.get(name)
    if public_id is None:
        return None
    pk = Image.objects.filter(dataset=dataset, public_id=public_id[:16]).values_list(
        "pk", flat=True
    )
    if (found := pk.first()) is None:
        raise BadFilter(name, f"{name} names no image of this dataset: “{public_id[:60]}”.")
    return found


def _without_empty(path: str, query: QueryDict) -> str:
    kept = QueryDict(mutable=True)
    for name, values in query.lists():
        kept.setlist(name, [value for value in values if value])
    text = kept.urlencode()
    return f"{path}?{text}" if text else path


def in_use(view: View) -> list[tuple[str, str]]:
    """What the view is narrowed to, in words, each with the query without it."""
    names = view.label_names if any(getattr(view.filters, name) for name in LABELS) else {}
    told = []
    for name in view.filters.in_use:
        value = getattr(view.filters, name)
        says = [
            CHOICES.get(name, {}).get(each) or (names.get(each, each) if name in LABELS else each)
            for each in ([value] if isinstance(value, str) else value)
        ]
        joined = (" and " if name in ALL_OF else " or ").join(says)
        if name in RANGES and view.filters.of:
            joined += f" ({names.get(view.filters.of, view.filters.of)})"
        told.append((f"{WORDS[name]} {joined}", view.query(view.filters.without(name))))
    return told


WORDS = {
    "group": "group",
    "objects": "objects:",
    "disagreement": "disagreement:",
    "models": "classifiers:",
    "withdrawn": "withdrawn:",
    "label": "dataset label",
    "shows": "selected by half or more:",
    "main": "main label",
    "right": "right:",
    "wrong": "wrong:",
    "sf_from": "SF from",
    "sf_to": "SF to",
    "posterior_from": "posterior from",
    "posterior_to": "posterior to",
    "text": "text",
}
