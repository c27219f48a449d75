"""A job of inference, /datasets/{slug}/classifiers/jobs/{id}/: how far it is, rate, time left."""

from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.rights import RESEARCH, VIEW, may
from annotation.rights.pages import needs
from imagesets.models import Dataset
from models_inference.jobs import SILENT, JobProgress, job_progress
from models_inference.models import Classifier
from models_inference.networks.timm_hub import INSTEAD


@dataclass(frozen=True)
class Trouble:
    """What went wrong, in a sentence; `bring_a_file`: whether the weights could not be fetched."""

    sentence: str
    bring_a_file: bool

    @classmethod
    def of(cls, error: str) -> "Trouble | None":
        sentence, instead, _ = error.partition(INSTEAD)
        return cls(sentence, bool(instead)) if error else None


@needs(VIEW, Dataset)
@require_safe
@never_cache
def job_page(request: HttpRequest, dataset: Dataset, pk: int) -> HttpResponse:
    """The page; its script brings it up to date while the job is under way."""
    job = get_object_or_404(dataset.inference_jobs, pk=pk)
    progress = job_progress(job)
    names = Classifier.objects.filter(pk__in=job.classifiers).order_by("name")
    context = {
        **admin.site.each_context(request),
        "title": f"{dataset.name}: inference",
        "dataset": dataset,
        "job": job,
        "progress": progress,
        "percent": f"{100 * progress.done / progress.total:.1f}" if progress.total else "",
        "left": time_left(progress),
        "minutes": int(SILENT.total_seconds() // 60),
        "trouble": Trouble.of(job.error),
        "names": list(names.values_list("name", flat=True)),
        "may_research": may(request.user, RESEARCH, dataset),
        "under_way": progress.state in ("waiting", "running", "silent"),
    }
    return TemplateResponse(request, "pages/inference_job.html", context)


def time_left(progress: JobProgress) -> str:
    """The time that it still takes, as people say it; "" if nobody can tell."""
    seconds = progress.seconds_left
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes left"
    return f"about {seconds / 3600:.0f} hours left"


urlpatterns = [
    path("datasets/<slug:slug>/classifiers/jobs/<int:pk>/", job_page, name="classifiers-job")
]
