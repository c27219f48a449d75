"""A study's report, /datasets/{slug}/report/, and the list of all reports, /reports/."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from annotation.report.campaigns import NoStudy, study_of
from annotation.report.charts import charts_of
from annotation.report.document import report_of
from annotation.report.page.making import contents, for_readers
from annotation.report.page.pictures import on_site
from annotation.report.page.sections import ChartImage
from annotation.report.wording import Plain
from annotation.rights import VIEW
from annotation.rights.pages import needs
from annotation.rights.rules import row_for, visible
from imagesets.models import Dataset
from tasks.models import Campaign

DAY = 24 * 3600
Campaigns = tuple[Campaign | None, Campaign | None]


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
    report = _kept(dataset, campaigns)
    if report is None:
        context["campaigns"] = [each for each in campaigns if each is not None]
        return TemplateResponse(request, "report/none.html", context)
    readable = for_readers(report, dataset)
    context["page"] = contents(
        report, dataset, *campaigns, _chart_images(request, readable), on_site
    )
    return TemplateResponse(request, "report/framed.html", context)


@needs(VIEW, Dataset)
@require_safe
@cache_control(private=True, max_age=DAY)
def chart(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """A chart of the report: `?name=`, and `scheme=dark` for dark pages; drawn once a day."""
    report = None
    try:
        campaigns = _study(request, dataset)
        report = _kept(dataset, campaigns)
    except NoStudy:
        pass
    name, dark = request.GET.get("name", ""), request.GET.get("scheme") == "dark"
    if report is None or not name:
        return HttpResponseBadRequest("Name a chart of a report.", content_type="text/plain")
    key = f"chart-{_version(report)}-{hashlib.sha256(name.encode()).hexdigest()[:16]}-{dark}"
    if (svg := cache.get(key)) is None:
        drawn = {each.name: each for each in charts_of(for_readers(report, dataset))}
        if name not in drawn:
            return HttpResponseBadRequest("Name a chart of a report.", content_type="text/plain")
        svg = drawn[name].svg(dark=dark)
        cache.set(key, svg, DAY)
    return HttpResponse(svg, content_type="image/svg+xml")


def _study(request: HttpRequest, dataset: Dataset) -> Campaigns:
    """Raises NoStudy, and Http404 for a campaign that is not among the dataset's."""
    campaign = None
    if slug := request.GET.get("campaign"):
        campaigns = Campaign.objects.filter(dataset=dataset)
        campaign = row_for(request.user, VIEW, campaigns, slug=slug)
    return study_of(dataset, campaign)


def _kept(dataset: Dataset, campaigns: Campaigns) -> dict[str, Any] | None:
    """The study's report, if its campaigns have been aggregated."""
    if not any(each is not None and each.runs.exists() for each in campaigns):
        return None
    return json.loads(json.dumps(report_of(dataset, *campaigns), default=str))


def _version(report: Plain) -> str:
    study = {"runs": report["study"]["runs"], "software": report["study"]["software"]}
    return hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest()[:16]


def _chart_images(request: HttpRequest, readable: Plain) -> dict[str, list[ChartImage]]:
    """By figure; browsers fetch each chart when it comes into view."""
    address = reverse("report-chart", args=[readable["study"]["dataset"]])
    study = {"campaign": request.GET["campaign"]} if "campaign" in request.GET else {}
    version = {"version": _version(readable)}
    made: dict[str, list[ChartImage]] = {}
    for each in charts_of(readable):
        light, dark = (
            f"{address}?{urlencode(study | {'name': each.name, 'scheme': scheme} | version)}"
            for scheme in ("light", "dark")
        )
        made.setdefault(each.figure, []).append(ChartImage(light, dark, each.title, each.caption))
    return made


urlpatterns = [
    path("reports/", reports, name="reports"),
    path("datasets/<slug:slug>/report/", report_page, name="report"),
    path("datasets/<slug:slug>/report/chart/", chart, name="report-chart"),
]
