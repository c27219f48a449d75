"""A study's page, /datasets/{slug}/: its path, what asking would take, what to mend first."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from annotation.dashboards.dataset_summary import candidates_of, findings_of
from annotation.drawn.picture import Drawn
from annotation.path.next_step import next_step
from annotation.path.stages import Counted, next_of, stages_of
from annotation.path.standing import standing_of
from annotation.rights import RESEARCH, VIEW, may, visible
from annotation.rights.pages import needs
from imagesets.labels.lint import RULES
from imagesets.models import Dataset, ImportJob
from models_inference.jobs import job_progress
from models_inference.models import STORED
from tasks import money
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.models.campaign_settings import default_of
from tasks.models.setting_groups import CANDIDATES

K = CANDIDATES.defaults()["k"]
WAGE: Decimal = default_of("wage")
CAMPAIGNS, STRIP = 50, 12
AGREE = {1: "1 classifier names", 2: "2 classifiers agree on", 3: "3 classifiers agree on"}
WIDTH, HEIGHT, AXIS = 480, 160, 20  # of the histogram, in CSS pixels; a phone scales it down


class Question(forms.Form):
    """Which candidates to count."""

    k = forms.IntegerField(
        label="Labels taken of each classifier's prediction (k)",
        min_value=1,
        max_value=STORED,
        initial=K,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@needs(VIEW, Dataset)
@require_safe
@never_cache
def dataset_page(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The page; `?k=` counts the top k labels of a prediction instead of five."""
    form = Question(request.GET if "k" in request.GET else None, initial={"k": K})
    k = form.cleaned_data["k"] if form.is_valid() else K
    counted = candidates_of(dataset, k=k)
    findings = findings_of(dataset)
    shown = dataset.images.filter(withdrawn_at=None)
    campaigns = visible(request.user, Campaign.objects.filter(dataset=dataset))
    standings = standing_of(campaigns.select_related("dataset", "source")[:CAMPAIGNS])
    stages = stages_of(dataset, _what_it_holds(counted, findings, dataset), standings, request.user)
    context = {
        **admin.site.each_context(request),
        "title": dataset.name,
        "dataset": dataset,
        "stages": stages,
        "next": next_of(stages),
        "strip": [Drawn.of(image) for image in shown.order_by("public_id")[:STRIP]],
        "standings": [(standing, next_step(standing, request.user)) for standing in standings],
        "may_research": may(request.user, RESEARCH, dataset),
        "form": form,
        "counted": counted,
        "predicted": any(classifier["images"] for classifier in counted["classifiers"]),
        "chart": histogram(counted["min_models"][0]["candidates_per_image"]),
        "choices": _choices(counted),
        "added": _added(counted),
        "labels": _labels(counted),
        "findings": findings,
        "rules": RULES,
        "imports": ImportJob.objects.filter(slug=dataset.slug)[:3],
        "settings_page": reverse("admin:imagesets_dataset_change", args=[dataset.pk]),
    }
    return TemplateResponse(request, "pages/dataset.html", context)


def _what_it_holds(counted: dict[str, Any], findings: dict[str, Any], dataset: Dataset) -> Counted:
    return Counted(
        images=counted["images"],
        labels=counted["labels"],
        label_faults=sum(findings["label_findings"].values()),
        classifiers=sum(bool(each["images"]) for each in counted["classifiers"]),
        inference=_inference(dataset),
    )


def _inference(dataset: Dataset) -> str:
    """How far a running job is, in a few words; "" if none runs."""
    job = dataset.inference_jobs.filter(finished_at=None, stopped_at=None, error="").first()
    if job is None:
        return ""
    progress = job_progress(job)
    return f"{progress.done:,} of {progress.total:,} predictions"


def histogram(per_image: dict[str, Any]) -> dict[str, Any]:
    """A histogram's bars and labels in CSS pixels, from zero; the title is "" without images."""
    counts = {row["candidates"]: row["images"] for row in per_image["histogram"]}
    if not counts:
        return {"title": ""}
    first, last, most = min(counts), max(counts), max(counts.values())
    step = WIDTH / (last - first + 1)
    every = max(1, -(-(last - first + 1) // 12))  # keeps the labels of the axis apart
    bars = [
        {
            "x": round((count - first) * step, 1),
            "middle": round((count - first + 0.5) * step, 1),
            "y": round(HEIGHT - AXIS - images / most * (HEIGHT - 2 * AXIS), 1),
            "width": round(0.9 * step, 1),
            "height": round(images / most * (HEIGHT - 2 * AXIS), 1),
            "text": f"{images:,} images with {count} candidates",
            "label": count if (count - first) % every == 0 else None,
        }
        for count, images in sorted(counts.items())
    ]
    return {
        "title": f"An image has {per_image['mean']:.1f} candidate labels on average",
        "caption": f"n = {per_image['n']:,} images, {first} to {last} candidates each;"
        f" at most {most:,} images in one bar",
        "bars": bars,
        "width": WIDTH,
        "height": HEIGHT,
        "floor": HEIGHT - AXIS,
    }


def _choices(counted: dict[str, Any]) -> dict[str, Any]:
    """What asking would take, by how many classifiers must name a label."""
    return {
        "headers": ["ask every label that", "pairs", "labels", "HITs", "hours of work", "cost"],
        "rows": [
            [
                AGREE.get(choice["min_models"], f"{choice['min_models']} classifiers agree on"),
                f"{choice['pairs']:,}",
                f"{choice['pairs_per_label']['n']:,} of {counted['labels']:,}",
                f"about {choice['hits_about']:,}",
                f"about {hours:,.1f}",
                f"about ${WAGE * Decimal(repr(hours)):,.0f}",
            ]
            for choice in counted["min_models"]
            for hours in [_hours(choice, counted["workers_per_item"])]
        ],
    }


def _hours(choice: dict[str, Any], workers: int) -> float:
    """Of all workers together, at the expected pace."""
    hits = max(choice["hits_about"], 1)
    seconds = hits * money.expected_seconds(Kind.CONTAINS, 0)
    seconds += money.expected_seconds(Kind.CONTAINS, choice["pairs"])
    seconds -= money.expected_seconds(Kind.CONTAINS, 0)
    return workers * seconds / 3600


def _added(counted: dict[str, Any]) -> dict[str, Any]:
    return {
        "headers": ["classifier", "images predicted", "pairs", "pairs that only it names"],
        "rows": [
            [
                classifier["classifier"],
                f"{classifier['images']:,} of {counted['images']:,}",
                f"{classifier['pairs']:,}",
                f"{classifier['pairs_only_it_names']:,}"
                + (
                    f" ({classifier['pairs_only_it_names'] / classifier['pairs']:.0%})"
                    if classifier["pairs"]
                    else ""
                ),
            ]
            for classifier in counted["classifiers"]
        ],
    }


def _labels(counted: dict[str, Any]) -> dict[str, Any]:
    per_label = counted["min_models"][0]["pairs_per_label"]
    return {
        "n": per_label["n"],
        "not_asked": per_label["labels_not_asked"],
        "quantiles": {
            "headers": [f"{quantile['share']:.0%}" for quantile in per_label["quantiles"]],
            "rows": [
                [
                    "-" if quantile["pairs"] is None else f"{quantile['pairs']:,}"
                    for quantile in per_label["quantiles"]
                ]
            ],
        },
        "top": {
            "headers": ["label", "name", "pairs"],
            "rows": [
                [label["label"], label["name"], f"{label['pairs']:,}"] for label in per_label["top"]
            ],
        },
    }


urlpatterns = [path("datasets/<slug:slug>/", dataset_page, name="dataset")]
