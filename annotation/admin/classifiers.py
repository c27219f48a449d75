"""Classifiers, what they predicted, and the queue's jobs, in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from annotation.admin.pages import (
    FormWithDataset,
    History,
    Lists,
    by_id,
    ids,
    link_to,
    link_to_list,
)
from annotation.admin.pages import thumbnail as picture_of
from imagesets.models import Label
from models_inference.models import Classifier, InferenceJob, Prediction, SkippedImage


@admin.register(Classifier)
class ClassifierAdmin(Lists):
    form = FormWithDataset
    list_display = ["name", "dataset", "architecture", "weights", "predictions"]
    list_filter = [("dataset", RelatedDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["dataset"]
    search_fields = ["name", "architecture"]

    def get_readonly_fields(self, request: HttpRequest, obj: Classifier | None = None) -> list[str]:
        """What predictions were made with cannot be changed once there are any."""
        if obj is not None and obj.predictions.exists():
            return ["dataset", "name", "architecture", "weights", "input", "mapping"]
        return []

    def prepare(self, rows: list[Any]) -> None:
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

    @display(description="predictions")
    def predictions(self, classifier: Any) -> str:
        return link_to_list(
            Prediction, f"{classifier.counted:,}", classifier__id__exact=classifier.pk
        )


@admin.register(Prediction)
class PredictionAdmin(History):
    list_display = ["picture", "image", "classifier", "top"]
    list_filter = [("classifier", RelatedDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["image", "classifier"]
    search_fields = ["image__key"]
    paginator = InfinitePaginator  # never counted
    show_full_result_count = False
    fields = ["image_link", "classifier", "top"]
    readonly_fields = ["image_link", "top"]

    def prepare(self, rows: list[Any]) -> None:
        labels = {label for row in rows for label in row.labels}
        keys = dict(Label.objects.filter(pk__in=labels).values_list("pk", "key"))
        for row in rows:
            row.keys = keys

    @display(description="")
    def picture(self, prediction: Any) -> str:
        return picture_of(prediction.image)

    @display(description="image")
    def image_link(self, prediction: Any) -> str:
        return link_to(prediction.image)

    @display(description="labels, best first")
    def top(self, prediction: Any) -> str:
        if not hasattr(prediction, "keys"):
            self.prepare([prediction])
        pairs = zip(prediction.labels, prediction.scores, strict=True)
        return ", ".join(f"{prediction.keys[label]} {score:.2f}" for label, score in pairs)


@admin.register(InferenceJob)
class InferenceJobAdmin(History):
    list_display = ["dataset", "queued_at", "finished_at", "error"]
    list_filter = [("dataset", RelatedDropdownFilter)]
    list_select_related = ["dataset"]


@admin.register(SkippedImage)
class SkippedImageAdmin(History):
    list_display = ["image", "reason", "created_at"]
    list_select_related = ["image"]
    search_fields = ["image__key", "reason"]
