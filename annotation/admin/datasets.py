"""Datasets, their labels and images, in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.decorators import action, display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.label_findings import label_findings
from annotation.admin.widgets import (
    History,
    Lists,
    by_id,
    ids,
    label_name,
    link_to,
    link_to_list,
    thumbnail,
)
from annotation.rights import RESEARCH, may_somewhere, visible
from imagesets.models import Dataset, Image, Label
from imagesets.pages.label_form import LabelForm
from models_inference.models import Classifier
from tasks.models import Campaign


@admin.register(Dataset)
class DatasetAdmin(Lists):
    list_display = ["page", "labels", "images", "classifiers", "campaigns"]
    list_display_links = None  # a study's page leads on to its form
    search_fields = ["slug", "name"]
    fields = ["slug", "name", "created_at", "confusing_labels"]
    readonly_fields = ["slug", "created_at", "confusing_labels"]

    actions_list = ["bring_in"]
    actions_detail = ["explore"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a dataset is imported

    def has_import_permission(self, request: HttpRequest) -> bool:
        """A method, since a permission's name would be looked up before the first migration."""
        return may_somewhere(request.user, RESEARCH)

    @action(description="Import a dataset", permissions=["import"], url_path="bring-in")
    def bring_in(self, request: HttpRequest) -> HttpResponse:
        return redirect("import-dataset")

    @action(description="The study", url_path="explore")
    def explore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("dataset", self.row(request, object_id).slug)

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        counts = {
            model: by_id(
                visible(request.user, model.objects.filter(dataset__in=ids(rows)))
                .order_by()
                .values("dataset")
                .annotate(n=Count("pk")),
                "dataset",
                "n",
            )
            for model in (Label, Image, Classifier, Campaign)
        }
        for row in rows:
            row.counted = {model: numbers.get(row.pk, (0,))[0] for model, numbers in counts.items()}

    @display(description="name", ordering="name")
    def page(self, dataset: Dataset) -> str:
        return link_to(dataset, dataset.name)

    def _linked(self, dataset: Any, model: type[Model]) -> str:
        return link_to_list(model, f"{dataset.counted[model]:,}", dataset__id__exact=dataset.pk)

    @display(description="labels that workers may confuse")
    def confusing_labels(self, dataset: Any) -> str:
        return label_findings(dataset)

    @display(description="labels")
    def labels(self, dataset: Any) -> str:
        return self._linked(dataset, Label)

    @display(description="images")
    def images(self, dataset: Any) -> str:
        return self._linked(dataset, Image)

    @display(description="classifiers")
    def classifiers(self, dataset: Any) -> str:
        return self._linked(dataset, Classifier)

    @display(description="campaigns")
    def campaigns(self, dataset: Any) -> str:
        return self._linked(dataset, Campaign)


@admin.register(Label)
class LabelAdmin(Lists):
    """Texts can be corrected at any time: published campaigns have their own, frozen."""

    form = LabelForm
    fields = ["dataset", "key", *LabelForm.Meta.fields]
    list_display = ["key", "all_names", "superclass", "dataset"]
    list_filter = [("dataset", VisibleFilter)]
    list_filter_submit = True
    list_select_related = ["dataset"]
    search_fields = ["key", "names", "superclass"]
    readonly_fields = ["dataset", "key"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # labels come with a dataset

    @display(description="names")
    def all_names(self, label: Label) -> str:
        return " or ".join(label.names)


@admin.register(Image)
class ImageAdmin(History):
    list_display = ["picture", "key", "label_named", "size", "dataset"]
    list_display_links = ["picture", "key"]
    list_filter = [("dataset", VisibleFilter)]
    list_select_related = ["dataset", "dataset_label"]
    search_fields = ["key", "public_id__exact", "sha256__exact"]
    search_help_text = "Part of a key, or a full public id or SHA-256."
    fields = ["large", "key", "dataset_link", "label_link", "size", "sha256", "public_id"]
    readonly_fields = ["large", "dataset_link", "label_link", "size"]

    @display(description="")
    def picture(self, image: Image) -> str:
        return thumbnail(image)

    @display(description="dataset label")
    def label_named(self, image: Image) -> str:
        return label_name(image.dataset_label)

    @display(description="picture")
    def large(self, image: Image) -> str:
        return thumbnail(image, height=min(320, max(16, image.height)))

    @display(description="dataset")
    def dataset_link(self, image: Image) -> str:
        return link_to(image.dataset)

    @display(description="dataset label")
    def label_link(self, image: Image) -> str:
        label = image.dataset_label
        return link_to(label, label_name(label)) if label else "-"

    @display(description="pixels")
    def size(self, image: Image) -> str:
        return f"{image.width:,} x {image.height:,}"
