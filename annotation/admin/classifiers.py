"""Classifiers, what they predicted, and the queue's jobs, in the admin."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from unfold.decorators import action, display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.steps import Step, ask_first
from annotation.admin.widgets import (
    FormWithDataset,
    History,
    Lists,
    bar,
    by_id,
    ids,
    label_name,
    link_to,
    link_to_list,
    page_of,
)
from annotation.admin.widgets import thumbnail as picture_of
from annotation.rights import RESEARCH, SUPERUSER, allowed, may, may_somewhere
from imagesets.models import Label
from models_inference.celery_tasks import send
from models_inference.classifiers.form import ClassifierForm
from models_inference.errors import InferenceError
from models_inference.jobs import cancel, job_progress, queue_predictions, queue_trial
from models_inference.models import Classifier, InferenceJob, Prediction, SkippedImage
from tasks.models.refused import Refused


class FormOfClassifier(FormWithDataset, ClassifierForm):
    """The form, its fields posted under names that unfold leaves alone."""


@admin.register(Classifier)
class ClassifierAdmin(Lists):
    """Classifiers to register, and to have the queue run."""

    form = FormOfClassifier
    fields = ["dataset", "name", "architecture", "weights", "input", "mapping", "mapping_csv"]
    actions = ["run"]
    list_display = ["name", "dataset", "architecture", "weights_from", "predictions"]
    list_filter = [("dataset", VisibleFilter)]
    list_filter_submit = True
    list_select_related = ["dataset"]
    search_fields = ["name", "architecture"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """The classifier; if it is about to be changed, locked once a run that writes has ended."""
        classifier = super().get_object(request, object_id, from_field)
        changing = request.method == "POST" and connection.in_atomic_block  # not its history
        if not changing:
            return classifier
        return Classifier.objects.select_for_update().filter(pk=classifier.pk).first()

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A form without faults is tried first: its page shows what the network says, and saves."""
        if request.method == "POST" and self.has_add_permission(request):
            form = self.get_form(request)(request.POST, request.FILES)
            if form.is_valid():
                made_of = {name: form.cleaned_data[name] for name in self.fields[:-1]}
                trial = queue_trial(**made_of)
                return redirect("classifiers-trial", trial.dataset.slug, trial.pk)
            if table := request.FILES.get("mapping_csv"):
                table.seek(0)  # type: ignore[union-attr]  # the form reads it once more
        return super().add_view(request, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Classifier | None = None) -> list[str]:
        """A classifier that has predictions cannot be changed: they were made with it as it is."""
        if obj is not None and obj.predictions.exists():
            return ["dataset", "name", "architecture", "weights", "input", "mapping"]
        return []

    def response_change(self, request: HttpRequest, obj: Classifier) -> HttpResponse:
        if not self.get_readonly_fields(request, obj):
            return super().response_change(request, obj)
        messages.error(
            request,
            f"{obj} was not changed: it has predictions. Register a new classifier instead.",
        )
        return HttpResponseRedirect(request.path)

    def get_fields(self, request: HttpRequest, obj: Classifier | None = None) -> list[str]:
        frozen = self.get_readonly_fields(request, obj)
        return [name for name in self.fields if not frozen or name != "mapping_csv"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.may_read_server = may(request.user, SUPERUSER)
        for name in form.base_fields.keys() & {"weights", "input", "mapping"}:
            form.base_fields[name].widget.attrs["rows"] = 2
        return form

    def has_run_permission(self, request: HttpRequest) -> bool:
        return may_somewhere(request.user, RESEARCH)

    @action(description="Predict what is missing with these classifiers", permissions=["run"])
    def run(self, request: HttpRequest, chosen: QuerySet[Classifier]) -> HttpResponse | None:
        """Queue inference by the chosen classifiers of a dataset, and go to its job."""
        classifiers = list(allowed(request.user, RESEARCH, chosen.select_related("dataset")))
        if len(classifiers) < chosen.count():
            raise PermissionDenied
        try:
            if any(not classifier.architecture for classifier in classifiers):
                raise InferenceError("Classifiers whose predictions were imported cannot be run.")
            job = queue_predictions(classifiers[0].dataset, classifiers)
        except InferenceError as error:
            messages.error(request, str(error))
            return None
        return HttpResponseRedirect(page_of(job))

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        counts = by_id(
            Prediction.objects.filter(classifier__in=ids(rows))
            .order_by()
            .values("classifier")
            .annotate(n=Count("pk")),
            "classifier",
            "n",
        )
        for row in rows:
            row.counted = counts.get(row.pk, (0,))[0]

    @display(description="weights")
    def weights_from(self, classifier: Any) -> str:
        return format_html('<span style="overflow-wrap:anywhere">{}</span>', classifier.weights)

    @display(description="predictions")
    def predictions(self, classifier: Any) -> str:
        return link_to_list(
            Prediction, f"{classifier.counted:,}", classifier__id__exact=classifier.pk
        )


def name_labels(predictions: list[Any]) -> None:
    """Attach the predictions' labels to them."""
    ids = {label for prediction in predictions for label in prediction.labels}
    labels = Label.objects.in_bulk(ids)
    for prediction in predictions:
        prediction.by_id = labels


@admin.register(Prediction)
class PredictionAdmin(History):
    list_display = ["picture", "image", "classifier", "top"]
    list_filter = [("classifier", VisibleFilter)]
    list_select_related = ["image", "classifier"]
    search_fields = ["image__key"]
    fields = ["image_link", "classifier", "top"]
    readonly_fields = ["image_link", "top"]

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        name_labels(rows)

    @display(description="")
    def picture(self, prediction: Any) -> str:
        return picture_of(prediction.image)

    @display(description="image")
    def image_link(self, prediction: Any) -> str:
        return link_to(prediction.image)

    @display(description="labels, best first")
    def top(self, prediction: Any) -> str:
        if not hasattr(prediction, "by_id"):
            name_labels([prediction])
        pairs = zip(prediction.labels, prediction.scores, strict=True)
        return format_html_join(
            ", ",
            "{} {}",
            ((label_name(prediction.by_id[label]), f"{score:.2f}") for label, score in pairs),
        )


@admin.register(InferenceJob)
class InferenceJobAdmin(History):
    """A job's page shows how far it is, and reloads itself while the job runs."""

    list_display = ["dataset", "queued_at", "finished_at", "error"]
    list_filter = [("dataset", VisibleFilter)]
    list_select_related = ["dataset"]
    fields = ["dataset", "names", "state", "progress", "speed", "queued_at", "finished_at", "error"]
    readonly_fields = ["names", "state", "progress", "speed"]
    actions_detail = ["again", "cancel"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        job = super().get_object(request, object_id, from_field)
        job.progress = job_progress(job)
        return job

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any):
        response = super().change_view(request, object_id, *args, **kwargs)
        job = self.row(request, object_id)
        if job.finished_at is None and not job.error:
            response["Refresh"] = "5"
        return response

    def has_run_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.may(request, RESEARCH, object_id)

    def _ask(
        self, request: HttpRequest, object_id: str, step: Step, take: Callable[[InferenceJob], str]
    ) -> HttpResponse:
        """The page of a step of the job, which a POST takes."""
        job = self.row(request, object_id)

        def taken(values: dict[str, Any]) -> str:
            try:
                return take(job)
            except InferenceError as error:
                raise Refused(str(error)) from None

        return ask_first(self, request, job, step, taken)

    @action(description="Predict what is missing", permissions=["run"], icon="replay")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Start a job that has ended or failed anew; send any other to the queue once more."""
        step = Step(
            title="Predict what is missing",
            consequences=[
                "The queue predicts what these classifiers have not, images skipped before too.",
                "Predictions that exist stay as they are.",
            ],
            button="Predict",
        )

        def take(job: InferenceJob) -> str:
            if job.finished_at is None and not job.error:
                send(job)
            else:
                queue_predictions(
                    job.dataset, list(Classifier.objects.filter(pk__in=job.classifiers))
                )
            return "Queued."

        return self._ask(request, object_id, step, take)

    @action(description="Cancel", permissions=["run"], icon="stop")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop a job that runs or waits."""
        step = Step(
            title="Cancel this job",
            consequences=[
                "Its workers stop within seconds; one whose network does not answer is ended.",
                "What is predicted stays, and the rest can be predicted later.",
            ],
            button="Cancel the job",
            danger=True,
        )

        def take(job: InferenceJob) -> str:
            cancel(job, request.user.get_username())
            return "Cancelled."

        return self._ask(request, object_id, step, take)

    @display(description="classifiers")
    def names(self, job: Any) -> str:
        names = Classifier.objects.filter(pk__in=job.classifiers).order_by("name")
        return ", ".join(names.values_list("name", flat=True)) or "deleted since"

    @display(description="state")
    def state(self, job: Any) -> str:
        in_words = {
            "waiting": "waiting for a worker of the queue gpu",
            "silent": "silent for some minutes: is a worker of the queue gpu running?",
        }
        return in_words.get(job.progress.state, job.progress.state)

    @display(description="predictions")
    def progress(self, job: Any) -> str:
        return bar(job.progress.done, job.progress.total)

    @display(description="speed")
    def speed(self, job: Any) -> str:
        rate, left = job.progress.images_per_second, job.progress.seconds_left
        if rate is None:
            return "-"
        speed = f"{rate:,.1f} images a second by all of its classifiers"
        if left is None:
            return speed
        hours, minutes = divmod(int(left) // 60, 60)
        return f"{speed}; {hours} h {minutes:02} min {int(left) % 60:02} s left"


@admin.register(SkippedImage)
class SkippedImageAdmin(History):
    list_display = ["image", "reason", "created_at"]
    list_select_related = ["image"]
    search_fields = ["image__key", "reason"]
