"""A study's report, /datasets/{slug}/report/, and the list of all reports, /reports/."""

import json
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import cache
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from annotation.report.campaigns import Campaigns, NoStudy, studies_seen, study_seen
from annotation.report.kept import (
    classifiers_since,
    failure_of,
    kept_text,
    last_of,
    not_aggregated,
    withdrawn_since,
)
from annotation.report.page.drawings import (
    SCHEMES,
    Drawing,
    draw,
    drawn,
    remembered,
    to_draw,
    version_of,
)
from annotation.report.page.making import contents, for_readers
from annotation.report.page.pictures import on_site
from annotation.report.page.sections import ChartImage
from annotation.rights import VIEW
from annotation.rights.pages import needs
from annotation.rights.rules import visible
from imagesets.models import Dataset, Image
from tasks.models import Run

if TYPE_CHECKING:  # it takes a second to import
    from annotation.report.charts import Chart

HOURS, DAY = 6 * 3600, 24 * 3600


@login_required
@permission_required("imagesets.view_dataset", raise_exception=True)
@require_safe
@never_cache
def reports(request: HttpRequest) -> HttpResponse:
    """The studies to report on: of each dataset the newest that has ended, then all others."""
    newest: dict[Campaigns, str] = {}
    for dataset in visible(request.user, Dataset.objects.order_by("name")):
        with suppress(NoStudy, Http404):
            newest[study_seen(request.user, dataset)] = ""
    others = {study: f"?campaign={last_of(study).slug}" for study in studies_seen(request.user)}
    every = others | newest
    datasets = Dataset.objects.filter(pk__in={last_of(study).dataset_id for study in every})
    images = dict(datasets.annotate(n=Count("images")).values_list("pk", "n"))
    campaigns = {each.pk for study in every for each in study if each is not None}
    runs = Run.objects.filter(campaign__in=campaigns).values("campaign")
    aggregated = dict(runs.annotate(at=Max("started_at")).values_list("campaign", "at"))
    studies: list[dict[str, Any]] = []
    for (contains, classify), query in every.items():
        last = last_of((contains, classify))
        dates = [aggregated.get(each.pk) for each in (contains, classify) if each is not None]
        studies.append(
            {
                "dataset": last.dataset,
                "query": query,
                "contains": contains,
                "classify": classify,
                "images": images[last.dataset_id],
                "at": max(filter(None, dates), default=None),
            }
        )
    studies.sort(key=lambda study: (study["dataset"].name, study["query"] != ""))
    context = {**admin.site.each_context(request), "title": "Reports", "studies": studies}
    return TemplateResponse(request, "report/list.html", context)


@needs(VIEW, Dataset)
@require_safe
@never_cache
def report_page(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The page; `?campaign=` reports on another study than the newest."""
    context = {
        **admin.site.each_context(request),
        "title": f"{dataset.name}: report",
        "dataset": dataset,
        "query": f"?{urlencode({'campaign': slug})}" if (slug := _campaign(request)) else "",
    }
    try:
        campaigns = study_seen(request.user, dataset, _campaign(request))
    except NoStudy as error:
        context["nothing"] = str(error)
        return TemplateResponse(request, "report/none.html", context)
    text = kept_text(campaigns)
    if text is None:
        context["waiting"] = not_aggregated(campaigns)
        context["failure"], context["last"] = failure_of(campaigns), last_of(campaigns)
        return TemplateResponse(request, "report/none.html", context)
    context["body"] = _body(dataset, campaigns, text, context["query"])
    context["newer"], context["last"] = classifiers_since(campaigns), last_of(campaigns)
    context["withdrawn"] = withdrawn_since(campaigns)
    return TemplateResponse(request, "report/framed.html", context)


@needs(VIEW, Dataset)
@require_safe
@cache_control(private=True, max_age=DAY)
def chart(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """A chart of the report as SVG: `?name=`, and `scheme=dark` for dark pages."""
    name = request.GET.get("name", "")
    scheme = SCHEMES[request.GET.get("scheme") == "dark"]
    try:
        text = kept_text(study_seen(request.user, dataset, _campaign(request)))
    except NoStudy:
        text = None
    svg = None
    if text is not None and name:
        version = version_of(text)
        svg = drawn(version, name, scheme)
        if svg is None:
            for each in _charts(dataset, text):
                if each.name == name:
                    draw(version, each)
            svg = drawn(version, name, scheme)
    if svg is None:
        return HttpResponseBadRequest("Name a chart of a report.", content_type="text/plain")
    return HttpResponse(svg, content_type="image/svg+xml")


@lru_cache(maxsize=2)
def _charts(dataset: Dataset, text: str) -> list["Chart"]:
    from annotation.report.charts import charts_of

    return charts_of(for_readers(json.loads(text), dataset))


def _campaign(request: HttpRequest) -> str | None:
    return request.GET.get("campaign") or None


def _body(dataset: Dataset, campaigns: Campaigns, text: str, query: str) -> str:
    """The page below its title as HTML, remembered once its charts have been drawn.

    For hours only: addresses of pictures in a bucket end.
    """
    version = version_of(text)
    key = f"report-{version}-{query}"
    if (body := cache.get(key)) is None:
        drawings = remembered(version)
        charts = _chart_images(dataset, drawings or to_draw(_charts(dataset, text)), query, version)

        def page_of(image: Image) -> str:
            return reverse("explorer-image", args=[dataset.slug, image.public_id]) + query

        page = contents(json.loads(text), dataset, *campaigns, charts, on_site, page_of)
        body = render_to_string("report/body.html", {"page": page, "framed": True})
        if drawings is not None:
            cache.set(key, body, HOURS)
    return body


def _chart_images(
    dataset: Dataset, drawings: list[Drawing], query: str, version: str
) -> dict[str, list[ChartImage]]:
    """By figure; browsers fetch each chart when it comes into view."""
    address = reverse("report-chart", args=[dataset.slug]) + (f"{query}&" if query else "?")
    made: dict[str, list[ChartImage]] = {}
    for figure, name, title, caption, width, height in drawings:
        light, dark = (
            address + urlencode({"name": name, "scheme": scheme, "of": version})
            for scheme in SCHEMES
        )
        image = ChartImage(light, dark, title, caption, width, height)
        made.setdefault(figure, []).append(image)
    return made


urlpatterns = [
    path("reports/", reports, name="reports"),
    path("datasets/<slug:slug>/report/", report_page, name="report"),
    path("datasets/<slug:slug>/report/chart/", chart, name="report-chart"),
]
