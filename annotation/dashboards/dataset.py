"""A dataset's page, /datasets/{slug}/: what asking it would cost, and what to mend before."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from annotation.dashboards.dataset_summary import candidates_of, findings_of
from imagesets.label_lint import RULES
from imagesets.models import Dataset, ImportJob
from models_inference.models import STORED
from tasks.models.campaign_settings import CANDIDATES

K = CANDIDATES.defaults()["k"]
WIDTH, HEIGHT, AXIS = 480, 160, 20  # of the histogram, in CSS pixels; a phone shrinks it a little


class Question(forms.Form):
    """Which candidates are counted."""

    k = forms.IntegerField(
        label="Labels taken of each classifier's prediction (k)",
        min_value=1,
        max_value=STORED,
        initial=K,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@staff_member_required
@require_safe
@never_cache
def dataset_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; `?k=` counts other candidates than the top five."""
    dataset = get_object_or_404(Dataset, slug=slug)
    form = Question(request.GET if "k" in request.GET else None, initial={"k": K})
    k = form.cleaned_data["k"] if form.is_valid() else K
    counted = candidates_of(dataset, k=k)
    context = {
        **admin.site.each_context(request),
        "title": dataset.name,
        "dataset": dataset,
        "form": form,
        "counted": counted,
        "predicted": any(one["images"] for one in counted["classifiers"]),
        "chart": histogram(counted["min_models"][0]["candidates_per_image"]),
        "choices": _choices(counted),
        "added": _added(counted),
        "labels": _labels(counted),
        "findings": findings_of(dataset),
        "rules": RULES,
        "imports": ImportJob.objects.filter(slug=slug)[:3],
        "settings_page": reverse("admin:imagesets_dataset_change", args=[dataset.pk]),
    }
    return TemplateResponse(request, "pages/dataset.html", context)


def histogram(per_image: dict[str, Any]) -> dict[str, Any]:
    """A histogram's bars and labels in CSS pixels, from zero; "" as title where there is none."""
    counts = {row["candidates"]: row["images"] for row in per_image["histogram"]}
    if not counts:
        return {"title": ""}
    first, last, most = min(counts), max(counts), max(counts.values())
    step = WIDTH / (last - first + 1)
    every = max(1, -(-(last - first + 1) // 12))  # so that the labels of the axis stay apart
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
                one["min_models"],
                f"{one['pairs']:,}",
                "-"
                if one["candidates_per_image"]["mean"] is None
                else f"{one['candidates_per_image']['mean']:.1f}",
                f"{one['pairs_per_label']['n']:,} of {counted['labels']:,}",
                f"about {one['hits_about']:,}",
                f"{one['judgments']:,}",
            ]
            for one in counted["min_models"]
        ],
    }


def _added(counted: dict[str, Any]) -> dict[str, Any]:
    return {
        "headers": ["classifier", "images predicted", "pairs", "pairs that only it names"],
        "rows": [
            [
                one["classifier"],
                f"{one['images']:,} of {counted['images']:,}",
                f"{one['pairs']:,}",
                f"{one['pairs_only_it_names']:,}"
                + (f" ({one['pairs_only_it_names'] / one['pairs']:.0%})" if one["pairs"] else ""),
            ]
            for one in counted["classifiers"]
        ],
    }


def _labels(counted: dict[str, Any]) -> dict[str, Any]:
    per_label = counted["min_models"][0]["pairs_per_label"]
    return {
        "n": per_label["n"],
        "not_asked": per_label["labels_not_asked"],
        "quantiles": {
            "headers": [f"{one['share']:.0%}" for one in per_label["quantiles"]],
            "rows": [
                [
                    "-" if one["pairs"] is None else f"{one['pairs']:,}"
                    for one in per_label["quantiles"]
                ]
            ],
        },
        "top": {
            "headers": ["label", "name", "pairs"],
            "rows": [[one["label"], one["name"], f"{one['pairs']:,}"] for one in per_label["top"]],
        },
    }


urlpatterns = [path("datasets/<slug:slug>/", dataset_page, name="dataset")]
