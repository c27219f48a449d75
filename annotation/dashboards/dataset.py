"""A dataset's page, /datasets/{slug}/: what a campaign would ask, and what to mend first."""

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
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.labels.lint import RULES
from imagesets.models import Dataset, ImportJob
from models_inference.models import STORED
from tasks.models.setting_groups import CANDIDATES

K = CANDIDATES.defaults()["k"]
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
    context = {
        **admin.site.each_context(request),
        "title": dataset.name,
        "dataset": dataset,
        "form": form,
        "counted": counted,
        "predicted": any(classifier["images"] for classifier in counted["classifiers"]),
        "chart": histogram(counted["min_models"][0]["candidates_per_image"]),
        "choices": _choices(counted),
        "added": _added(counted),
        "labels": _labels(counted),
        "findings": findings_of(dataset),
        "rules": RULES,
        "imports": ImportJob.objects.filter(slug=dataset.slug)[:3],
        "settings_page": reverse("admin:imagesets_dataset_change", args=[dataset.pk]),
    }
    return TemplateResponse(request, "pages/dataset.html", context)


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
    return {
        "headers": ["min_models", "pairs", "candidates per image", "labels", "HITs", "judgments"],
        "rows": [
            [
                choice["min_models"],
                f"{choice['pairs']:,}",
                "-"
                if choice["candidates_per_image"]["mean"] is None
                else f"{choice['candidates_per_image']['mean']:.1f}",
                f"{choice['pairs_per_label']['n']:,} of {counted['labels']:,}",
                f"about {choice['hits_about']:,}",
                f"{choice['judgments']:,}",
            ]
            for choice in counted["min_models"]
        ],
    }


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
