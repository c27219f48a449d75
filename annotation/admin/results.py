"""Results in the admin: runs, and what each computed; read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeNumericFilter
from unfold.decorators import display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import (
    History,
    label_name,
    link_to_worker,
    number,
    rounded,
    thumbnail,
)
from imagesets.models import Label
from tasks.models import ImageResult, PairResult, Run, WorkerResult


@admin.register(Run)
class RunAdmin(History):
    list_display = ["pk", "campaign", "started_at", "took", "counts", "version"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["campaign"]
    search_fields = ["campaign__slug"]

    @display(description="seconds")
    def took(self, run: Run) -> str:
        return number(run.seconds, 1)


@admin.register(PairResult)
class PairResultAdmin(History):
    list_display = ["picture", "image", "label", "frequency", "votes", "maybe"]
    list_filter = [("pair__campaign", VisibleFilter), ("sf", RangeNumericFilter)]
    list_select_related = ["pair__image", "pair__label"]
    search_fields = ["pair__image__key", "pair__label__key"]
    ordering = ["-pk"]

    @display(description="")
    def picture(self, result: PairResult) -> str:
        return thumbnail(result.pair.image)

    @display(description="image")
    def image(self, result: PairResult) -> str:
        return result.pair.image.key

    @display(description="label")
    def label(self, result: PairResult) -> str:
        return label_name(result.pair.label)

    @display(description="selection frequency", ordering="sf")
    def frequency(self, result: PairResult) -> str:
        if result.sf is None:
            return "-"
        return f"{result.sf:.2f} ({number(result.sf_low)} to {number(result.sf_high)})"

    @display(description="selected / shown")
    def votes(self, result: PairResult) -> str:
        return f"{result.selected} / {result.shown}"


@admin.register(ImageResult)
class ImageResultAdmin(History):
    list_display = ["picture", "image", "campaign", "main", "num_objects", "workers"]
    list_filter = [("campaign", VisibleFilter), "num_objects"]
    list_select_related = ["image", "campaign"]
    search_fields = ["image__key", "main_label"]
    ordering = ["-pk"]

    @display(description="")
    def picture(self, result: ImageResult) -> str:
        return thumbnail(result.image)

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        keys = {row.main_label for row in rows if row.main_label}
        labels = Label.objects.filter(
            key__in=keys, dataset__in={row.image.dataset_id for row in rows}
        )
        by_key = {(label.dataset_id, label.key): label for label in labels}
        for row in rows:
            row.main = by_key.get((row.image.dataset_id, row.main_label))

    @display(description="main label", ordering="main_label")
    def main(self, result: Any) -> str:
        return label_name(result.main)


@admin.register(WorkerResult)
class WorkerResultAdmin(History):
    accuracy, agreed = rounded("control_accuracy"), rounded("agreement")
    found, passed_over = rounded("sensitivity"), rounded("specificity")
    seconds = rounded("median_seconds", 1)

    list_display = ["worker", "campaign", "assignments", "items"]
    list_display += ["accuracy", "agreed", "seconds", "pictures"]
    fields = [*list_display, "found", "passed_over"]
    readonly_fields = ["accuracy", "agreed", "seconds", "pictures", "found", "passed_over"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["worker", "campaign"]
    search_fields = ["worker__pseudonym"]

    @display(description="")
    def pictures(self, result: WorkerResult) -> str:
        return link_to_worker(result.campaign, result.worker, "as pictures")
