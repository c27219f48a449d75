"""A classifier on trial: three pictures with what it says of them, before it is saved."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.dashboards.inference_job import Trouble
from annotation.drawn.picture import Drawn
from annotation.rights import RESEARCH
from annotation.rights.pages import needs
from imagesets.models import Dataset, Label
from models_inference.classifiers.trials import save, throw_away
from models_inference.errors import InferenceError
from models_inference.jobs import SILENT, queue_predictions
from models_inference.models import Classifier


@dataclass(frozen=True)
class Answer:
    """One of a picture's best answers; `label` is None where the output means none."""

    output: int | None
    label: Label | None
    score: float


@needs(RESEARCH, Dataset)
@require_safe
@never_cache
def trial_page(request: HttpRequest, dataset: Dataset, pk: int) -> HttpResponse:
    """The trial; its script brings it up to date until the network has answered."""
    trial = get_object_or_404(dataset.trials, pk=pk)
    context = {
        **admin.site.each_context(request),
        "title": f"{trial.name}, on trial",
        "dataset": dataset,
        "trial": trial,
        "silent": trial.finished_at is None and timezone.now() - trial.queued_at > SILENT,
        "trouble": Trouble.of(trial.error),
        "add_page": reverse("admin:models_inference_classifier_add"),
        "network_asked": bool(trial.architecture),
    }
    if trial.said:
        context |= _said(dataset, trial.said)
    return TemplateResponse(request, "pages/trial.html", context)


def _said(dataset: Dataset, said: dict[str, Any]) -> dict[str, Any]:
    answers = {int(pk): each for pk, each in said["pictures"].items()}
    ids = {label for each in answers.values() for _, label, _ in each}
    labels = dataset.labels.in_bulk(ids | {label for _, label in said["outputs"]} - {None})
    images = dataset.images.select_related("dataset_label").in_bulk(answers)
    return {
        "said": said,
        "outputs": [(output, labels.get(label)) for output, label in said["outputs"]],
        "pictures": [
            (
                Drawn.of(images[pk]),
                images[pk].dataset_label,
                [Answer(output, labels.get(label), score) for output, label, score in each],
            )
            for pk, each in answers.items()
            if pk in images
        ],
    }


@needs(RESEARCH, Dataset)
@require_POST
def save_trial(request: HttpRequest, dataset: Dataset, pk: int) -> HttpResponse:
    """Save the classifier and run it; of a file, import its predictions, all or none."""
    trial = get_object_or_404(dataset.trials, pk=pk)
    try:
        made = save(trial)
        if isinstance(made, Classifier):
            job = queue_predictions(dataset, [made])
            page = reverse("classifiers-job", args=[dataset.slug, job.pk])
            messages.success(request, f"{made.name} is saved, and queued.")
            return HttpResponseRedirect(page)
        told = f"{made.new:,} images' predictions imported, {made.known:,} known before."
        messages.success(request, f"{made.classifier.name}: {told}")
    except InferenceError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("classifiers-trial", args=[dataset.slug, pk]))
    return HttpResponseRedirect(reverse("classifiers", args=[dataset.slug]))


@needs(RESEARCH, Dataset)
@require_POST
def drop_trial(request: HttpRequest, dataset: Dataset, pk: int) -> HttpResponse:
    """Forget the trial with its files."""
    throw_away(get_object_or_404(dataset.trials, pk=pk))
    return HttpResponseRedirect(reverse("classifiers", args=[dataset.slug]))


_HERE = "datasets/<slug:slug>/classifiers/trials/<int:pk>/"
urlpatterns = [
    path(_HERE, trial_page, name="classifiers-trial"),
    path(f"{_HERE}save/", save_trial, name="classifiers-trial-save"),
    path(f"{_HERE}drop/", drop_trial, name="classifiers-trial-drop"),
]
