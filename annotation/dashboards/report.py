"""A study's report, /datasets/{slug}/report/, and the list of all reports, /reports/."""

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from annotation.report.campaigns import NoStudy, study_of
from annotation.report.kept import (
    Campaigns,
    failure_of,
    kept_text,
    last_of,
    not_aggregated,
)
from annotation.report.page.drawings import (
    SCHEMES,
    Drawing,
    draw,
    drawn,
    remembered,
    version_of,
)
from annotation.report.page.making import contents, for_readers
from annotation.report.page.pictures import on_site
from annotation.report.page.sections import ChartImage
from annotation.report.wording import Plain
from annotation.rights import VIEW
from annotation.rights.pages import needs
from annotation.rights.rules import row_for, visible
from imagesets.models import Dataset
from tasks.models import Campaign

if TYPE_CHECKING:  # it takes a second to import
    from annotation.report.charts import Chart

DAY = 24 * 3600


@login_required
@permission_required("imagesets.view_dataset", raise_exception=True)
@require_safe
@never_cache
def reports(request: HttpRequest) -> HttpResponse:
    """The datasets that have a study to report on."""
    studies = []
    for dataset in visible(request.user, Dataset.objects.order_by("name")):
        try:
            contains, classify = study_of(dataset)
        except NoStudy:
            continue
        runs = [each.runs.first() for each in (contains, classify) if each is not None]
        dates = [run.started_at for run in runs if run is not None]
        studies.append(
            {
                "dataset": dataset,
                "contains": contains,
                "classify": classify,
                "images": dataset.images.count(),
                "at": max(dates, default=None),
            }
        )
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
        "query": f"?{urlencode(request.GET)}" if "campaign" in request.GET else "",
    }
    try:
        campaigns = _study(request, dataset)
    except NoStudy as error:
        context["nothing"] = str(error)
        return TemplateResponse(request, "report/none.html", context)
    text = kept_text(campaigns)
    if text is None:
        context["waiting"] = not_aggregated(campaigns)
        context["failure"], context["last"] = failure_of(campaigns), last_of(campaigns)
        return TemplateResponse(request, "report/none.html", context)
    report = json.loads(text)
    charts = _chart_images(request, dataset, report, version_of(text))
    context["page"] = contents(report, dataset, *campaigns, charts, on_site)
    return TemplateResponse(request, "report/framed.html", context)


@needs(VIEW, Dataset)
@require_safe
@cache_control(private=True, max_age=DAY)
def chart(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """A chart of the report as SVG: `?name=`, and `scheme=dark` for dark pages."""
    name = request.GET.get("name", "")
    scheme = SCHEMES[request.GET.get("scheme") == "dark"]
    try:
        text = kept_text(_study(request, dataset))
    except NoStudy:
        text = None
    svg = None
    if text is not None and name:
        version = version_of(text)
        svg = drawn(version, name, scheme)
        if svg is None:
            charts = [each for each in _charts(dataset, json.loads(text)) if each.name == name]
            for each in charts:
                draw(version, each)
            svg = drawn(version, name, scheme)
    if svg is None:
        return HttpResponseBadRequest("Name a chart of a report.", content_type="text/plain")
    return HttpResponse(svg, content_type="image/svg+xml")


def _charts(dataset: Dataset, report: Plain) -> list["Chart"]:
    from annotation.report.charts import charts_of

    return charts_of(for_readers(report, dataset))


def _study(request: HttpRequest, dataset: Dataset) -> Campaigns:
    """Raises NoStudy, and Http404 for a campaign that is not among the dataset's."""
    campaign = None
    if slug := request.GET.get("campaign"):
        campaigns = Campaign.objects.filter(dataset=dataset)
        campaign = row_for(request.user, VIEW, campaigns, slug=slug)
    return study_of(dataset, campaign)


def _chart_images(
    request: HttpRequest, dataset: Dataset, report: Plain, version: str
) -> dict[str, list[ChartImage]]:
    """By figure; browsers fetch each chart when it comes into view."""
    drawings = remembered(version)
    if drawings is None:
        drawings = [
            Drawing(each.figure, each.name, each.title, each.caption)
            for each in _charts(dataset, report)
        ]
    address = reverse("report-chart", args=[dataset.slug])
    study = {"campaign": request.GET["campaign"]} if "campaign" in request.GET else {}
    made: dict[str, list[ChartImage]] = {}
    for figure, name, title, caption, width, height in drawings:
        light, dark = (
            f"{address}?{urlencode(study | {'name': name, 'scheme': scheme, 'of': version})}"
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
