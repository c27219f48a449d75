"""Two studies compared, /reports/compare/: their headline figures and the differences."""

import json
from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget

from annotation.report.campaigns import Campaigns, studies_seen, study_of_slug
from annotation.report.kept import failure_of, kept_text, last_of, not_aggregated
from annotation.report.kept_comparison import comparison_or_queue, version_kept
from annotation.report.page.compared import contents, names_of
from annotation.report.page.drawings import SCHEMES, drawn, remembered
from annotation.report.page.sections import ChartImage
from annotation.report.side_by_side import side_by_side
from tasks.models import KeptReport

DAY = 24 * 3600
SIDES = {"a": "First study", "b": "Second study"}


@login_required
@permission_required("imagesets.view_dataset", raise_exception=True)
@require_safe
@never_cache
def compare(request: HttpRequest) -> HttpResponse:
    """The page; `?a=` and `?b=` name a campaign of either study, of which one may be missing."""
    named = {side: study_of_slug(request.user, slug) for side, slug in _named(request).items()}
    choices = _choices(studies_seen(request.user), list(named.values()))
    context = {
        **admin.site.each_context(request),
        "title": "Two studies compared",
        "form": _form(choices, {side: last_of(study).slug for side, study in named.items()}),
        "studies": sum(len(some) for _, some in choices),
    }
    if len(named) == len(SIDES):
        context |= _compared(named["a"], named["b"])
    return TemplateResponse(request, "report/compared.html", context)


@login_required
@permission_required("imagesets.view_dataset", raise_exception=True)
@require_safe
@cache_control(private=True, max_age=DAY)
def chart(request: HttpRequest) -> HttpResponse:
    """A chart of a comparison as SVG: `?a=&b=&name=`, and `scheme=dark` for dark pages."""
    studies = [study_of_slug(request.user, slug) for slug in _named(request).values()]
    version = version_kept(*studies) if len(studies) == len(SIDES) else None
    scheme = SCHEMES[request.GET.get("scheme") == "dark"]
    svg = drawn(version, request.GET.get("name", ""), scheme) if version else None
    if svg is None:
        return HttpResponseBadRequest("Name a chart of a comparison.", content_type="text/plain")
    return HttpResponse(svg, content_type="image/svg+xml")


def _named(request: HttpRequest) -> dict[str, str]:
    return {side: slug for side in SIDES if (slug := request.GET.get(side))}


def _compared(first: Campaigns, second: Campaigns) -> dict[str, Any]:
    """What the page says of two studies, as far as it is known."""
    if first == second:
        return {"same": first}
    texts = kept_text(first), kept_text(second)
    if texts[0] is None or texts[1] is None:
        studies = [
            study for study, text in zip((first, second), texts, strict=True) if text is None
        ]
        return {"without": [_without(study) for study in studies]}
    kept = [json.loads(text) for text in texts if text is not None]
    known = side_by_side(*kept)
    names = names_of(known)
    said: dict[str, Any] = {"names": names, "kinds": [_kinds(first), _kinds(second)]}
    if known["data"] is None:
        return said | {"apart": True}
    comparison = comparison_or_queue(first, second, (texts[0], texts[1]))
    query = {"a": last_of(first).slug, "b": last_of(second).slug}
    charts: dict[str, ChartImage] = {}
    if comparison.text is not None:
        known = json.loads(comparison.text)
        charts = _charts(comparison.version, query)
    said |= {
        "page": contents(known, names, charts, differences=comparison.text is not None),
        "framed": True,
        "failure": comparison.failure,
        "waiting": comparison.text is None and not comparison.failure,
        "query": urlencode(query),
        **query,
    }
    if comparison.text is None:
        said["heading"] = "Side by side"
    return said


def _charts(version: str, query: dict[str, str]) -> dict[str, ChartImage]:
    """By name; browsers fetch each one when it comes into view."""
    address = reverse("compare-chart")
    images = {}
    for _, name, title, caption, width, height in remembered(version) or []:
        light, dark = (
            f"{address}?{urlencode({**query, 'name': name, 'scheme': scheme, 'of': version})}"
            for scheme in SCHEMES
        )
        images[name] = ChartImage(light, dark, title, caption, width, height)
    return images


def _without(study: Campaigns) -> dict[str, Any]:
    """A study that has no report, and why."""
    return {
        "last": last_of(study),
        "waiting": not_aggregated(study),
        "failure": failure_of(study),
    }


def _kinds(study: Campaigns) -> str:
    contains, classify = study
    if contains is not None and classify is not None:
        return "CONTAINS and CLASSIFY"
    return "CONTAINS alone" if classify is None else "CLASSIFY alone"


Choices = list[tuple[str, list[tuple[str, str]]]]  # by dataset: (slug of a campaign, text)


def _choices(studies: list[Campaigns], named: list[Campaigns]) -> Choices:
    reported = set(KeptReport.objects.values_list("run__campaign", flat=True))
    by_dataset: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for study in dict.fromkeys([*studies, *named]):
        last = last_of(study)
        text = " and ".join(campaign.name for campaign in study if campaign is not None)
        if last.pk not in reported:
            text += " (no report yet)"
        by_dataset[last.dataset.name].append((last.slug, text))
    return sorted(by_dataset.items())


def _form(choices: Choices, initial: dict[str, str]) -> forms.Form:
    form = forms.Form(initial=initial)
    for side, label in SIDES.items():
        form.fields[side] = forms.ChoiceField(
            label=label, choices=[("", "---"), *choices], widget=UnfoldAdminSelectWidget
        )
    return form


urlpatterns = [
    path("reports/compare/", compare, name="compare"),
    path("reports/compare/chart/", chart, name="compare-chart"),
]
