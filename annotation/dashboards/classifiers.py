"""A study's classifiers, /datasets/{slug}/classifiers/: choose some, see how they run."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from annotation.dashboards.inference_job import Trouble, time_left
from annotation.rights import RESEARCH, VIEW, may
from annotation.rights.pages import needs
from imagesets.labels.imagenet import imagenet_classes
from imagesets.models import Dataset
from models_inference.classifiers.presets import DEFAULT, DEMO, Preset, register
from models_inference.classifiers.registration import timm_names
from models_inference.classifiers.trials import folder_of, keep, throw_away, try_file
from models_inference.errors import InferenceError
from models_inference.jobs import job_progress, queue_predictions, queue_trial
from models_inference.models import Classifier, Trial
from models_inference.networks.weights import PACKAGE, PRETRAINED

SAMPLED = 3  # classes shown with the label that they mean
FOUND = 12  # of timm's architectures, for a search
JOBS = 5
READY = {preset.name: preset for preset in (*DEMO, *DEFAULT)}


class PredictionsFile(forms.Form):
    """Predictions made elsewhere."""

    name = forms.CharField(
        label="Name of the classifier", max_length=200, widget=UnfoldAdminTextInputWidget
    )
    file = forms.FileField(
        label="Its predictions",
        help_text="CSV: image,rank,label,score; or .npz: logits, images and perhaps classes.",
        widget=UnfoldAdminFileFieldWidget,
    )
    mapping = forms.FileField(
        label="Which class is which (for .npz, where its order is another)",
        required=False,
        help_text="CSV: class,label (index from 0, key).",
        widget=UnfoldAdminFileFieldWidget,
    )


@needs(VIEW, Dataset)
@require_safe
@never_cache
def classifiers(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The page; `?q=` searches timm's architectures."""
    return _page(request, dataset)


def _page(
    request: HttpRequest, dataset: Dataset, form: PredictionsFile | None = None, status: int = 200
) -> HttpResponse:
    images = dataset.images.filter(withdrawn_at=None).count()
    of_study = Count("predictions", filter=Q(predictions__image__withdrawn_at=None))
    counted = dataset.classifiers.annotate(done=of_study).order_by("name")
    rows = [(each, each.done, bool(each.architecture)) for each in counted]
    jobs = [
        (job, progress := job_progress(job), time_left(progress), Trouble.of(job.error))
        for job in dataset.inference_jobs.all()[:JOBS]
    ]
    query = request.GET.get("q", "").strip()
    context = {
        **admin.site.each_context(request),
        "title": f"{dataset.name}: classifiers",
        "dataset": dataset,
        "images": images,
        "rows": rows,
        "missing": sum(1 for _, done, runs in rows if runs and done < images),
        "jobs": jobs,
        "running": any(progress.state in ("running", "waiting") for _, progress, *_ in jobs),
        "trials": dataset.trials.all(),
        "may_research": may(request.user, RESEARCH, dataset),
        "installed": [preset for preset in DEMO if _is_installed(preset)],
        "ten": DEFAULT,
        "have": {each.name for each, _, _ in rows},
        "query": query,
        "found": search(query),
        "sample": _sample(dataset),
        "form": form or PredictionsFile(),
    }
    return TemplateResponse(request, "pages/classifiers.html", context, status=status)


def search(query: str) -> list[str]:
    """Some of timm's architectures whose names hold every word of the query, the likest first."""
    words = query.lower().split()
    if not words:
        return []
    fitting = [name for name in timm_names() if all(word in name for word in words)]
    return sorted(fitting, key=lambda name: (not name.startswith(words[0]), len(name), name))[
        :FOUND
    ]


def _is_installed(preset: Preset) -> bool:
    return importlib.util.find_spec(preset.weights.removeprefix(PACKAGE)) is not None


def _sample(dataset: Dataset) -> dict[str, Any]:
    """How the classes of an ImageNet classifier map to the dataset's labels, with some rows."""
    classes = imagenet_classes()
    labels = dict(dataset.labels.values_list("key", "names"))
    mapped = [(index, each) for index, each in enumerate(classes) if each.key in labels]
    return {
        "classes": len(classes),
        "mapped": len(mapped),
        "labels": len(labels),
        "rows": [
            (index, each.names[0], labels[each.key][0], each.key)
            for index, each in mapped[:SAMPLED]
        ],
    }


@needs(RESEARCH, Dataset)
@require_POST
def add(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """Register the classifiers that were chosen and run what they have not predicted yet.

    One of timm's that is not ready-made may have other classes: it is tried first.
    """
    chosen = dict.fromkeys(request.POST.getlist("classifier"))
    here = reverse("classifiers", args=[dataset.slug])
    try:
        presets = [READY[name] for name in chosen if name in READY]
        names = [_architecture(dataset, name) for name in chosen if name not in READY]
        if not chosen and "missing" not in request.POST:
            raise InferenceError("Choose a classifier first.")
        if presets or "missing" in request.POST:
            with transaction.atomic():
                new = register(dataset, presets)
                if "missing" in request.POST:
                    new = list(dataset.classifiers.exclude(architecture=""))
            job = queue_predictions(dataset, new)
            messages.success(request, _queued(new))
            here = reverse("classifiers-job", args=[dataset.slug, job.pk])
        for name in names:
            trial = queue_trial(dataset, name, architecture=name, weights=PRETRAINED)
            here = reverse("classifiers-trial", args=[dataset.slug, trial.pk])
        if len(chosen) > 1 and names:
            here = reverse("classifiers", args=[dataset.slug])
    except InferenceError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(here)


def _queued(classifiers: Sequence[Classifier]) -> str:
    names = ", ".join(each.name for each in classifiers)
    return f"Queued: {names}. The page shows how far they are."


def _architecture(dataset: Dataset, name: str) -> str:
    """The name, if timm has it and the study does not. Raises InferenceError."""
    if name.partition(".")[0] not in timm_names():
        raise InferenceError(f"{name[:100]} is not one of timm's architectures.")
    if dataset.classifiers.filter(name=name).exists():
        raise InferenceError(f"{name} is there already.")
    return name


@needs(RESEARCH, Dataset)
@require_POST
def bring(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """Read a file of predictions, and show what it says; nothing is imported yet."""
    form = PredictionsFile(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, dataset, form, status=422)
    file, mapping = form.cleaned_data["file"], form.cleaned_data["mapping"]
    trial = Trial(dataset=dataset, name=form.cleaned_data["name"], file="to be kept")
    trial.save()
    try:
        trial.file = str(keep(trial, file, f"predictions{Path(file.name).suffix.lower()}"))
        trial.mapping_file = str(keep(trial, mapping, "mapping.csv")) if mapping else ""
        trial.save(update_fields=["file", "mapping_file"])
        try_file(trial)
    except InferenceError as error:
        told = str(error).replace(trial.file, file.name)
        form.add_error("file", told.replace(f"{folder_of(trial)}/", ""))
        throw_away(trial)
        return _page(request, dataset, form, status=422)
    return HttpResponseRedirect(reverse("classifiers-trial", args=[dataset.slug, trial.pk]))


urlpatterns = [
    path("datasets/<slug:slug>/classifiers/", classifiers, name="classifiers"),
    path("datasets/<slug:slug>/classifiers/add/", add, name="classifiers-add"),
    path("datasets/<slug:slug>/classifiers/file/", bring, name="classifiers-file"),
]
