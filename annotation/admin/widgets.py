"""What the admin's pages share: kinds of lists, links, thumbnails, progress bars."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from annotation.admin.guarded import Guarded
from imagesets.models import Dataset, Image, Label
from models_inference.models import InferenceJob
from tasks.models import Campaign, Worker


class PageChangeList(ChangeList):
    """A list whose admin looks up what a page's rows need, in queries for all rows at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        if isinstance(self.model_admin, Lists):
            self.model_admin.prepare(self.result_list, request)


class Lists(Guarded):
    """A list that stays quick: no deletion in bulk, and a page's rows are prepared together."""

    list_per_page = 50
    compressed_fields = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PageChangeList

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        """Attach to a page's rows what their columns show, as far as the reader may see it."""

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # would load everything that refers to them
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class History(Lists):
    """Rows that say what happened: read-only.

    There may be millions, so a list never counts them.
    """

    list_filter_submit = True
    paginator = InfinitePaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class FormWithDataset(forms.ModelForm):
    """A form whose field `dataset` is posted under another name.

    unfold takes any post that holds `dataset` for an action on what it calls datasets.
    """

    def add_prefix(self, field_name: str) -> str:
        return super().add_prefix("of_dataset" if field_name == "dataset" else field_name)


def page_of(row: Model) -> str:
    """The address of a row's page: of a study, campaign or job its own, else the admin's form."""
    if isinstance(row, Campaign):
        return reverse("campaign-progress", args=[row.slug])
    if isinstance(row, Dataset):
        return reverse("dataset", args=[row.slug])
    if isinstance(row, InferenceJob):
        return reverse("classifiers-job", args=[row.dataset.slug, row.pk])
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def link_to(row: Model | None, text: str | None = None) -> str:
    """A link to a row's page; a dash if there is no row."""
    if row is None:
        return "-"
    return format_html('<a class="underline" href="{}">{}</a>', page_of(row), text or str(row))


def label_name(label: Label | None) -> str:
    """A label as people call it, its key in small type; a dash if there is none."""
    return "-" if label is None else named(label.names[0], label.key)


def named(name: str, key: str) -> str:
    """A name, with the key behind it in small type."""
    return format_html('{} <span style="font-size:12px;opacity:.8">{}</span>', name, key)


def link_to_worker(campaign: Campaign, worker: Worker, text: str) -> str:
    """A link to the worker's page in a campaign."""
    address = reverse("worker", args=[campaign.slug, worker.pseudonym])
    return format_html('<a class="underline" href="{}">{}</a>', address, text)


def link_to_list(model: type[Model], text: str, **filters: Any) -> str:
    """A link to a model's list, filtered."""
    meta = model._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    query = f"?{urlencode(filters)}" if filters else ""
    return format_html('<a class="underline" href="{}{}">{}</a>', address, query, text)


def thumbnail(image: Image, height: int = 64) -> str:
    """The whole picture, small; its box is reserved before it loads."""
    width = max(1, min(4 * height, round(height * image.width / image.height)))
    return format_html(
        '<img src="{}" alt="{}" width="{}" height="{}" loading="lazy"'
        ' style="width:{}px;height:{}px;object-fit:contain">',
        reverse("image-tile", args=[image.public_id]),
        image.key,
        width,
        height,
        width,
        height,
    )


def bar(done: int, total: int) -> str:
    """A progress bar with its numbers."""
    share = min(1.0, done / total) if total else 0.0
    return format_html(
        '<span style="display:inline-flex;align-items:center;gap:8px;white-space:nowrap">'
        '<svg width="96" height="8" aria-hidden="true" style="color:var(--color-primary-600)">'
        '<rect width="96" height="8" rx="4" fill="currentColor" opacity="0.15"/>'
        '<rect width="{}" height="8" rx="4" fill="currentColor"/></svg>'
        '<span style="font-variant-numeric:tabular-nums">{} of {} ({}\N{NO-BREAK SPACE}%)</span>'
        "</span>",
        round(96 * share),
        f"{done:,}",
        f"{total:,}",
        f"{100 * share:.0f}",
    )


def number(value: float | None, digits: int = 2) -> str:
    """A number for a column; a dash for None."""
    return "-" if value is None else f"{value:,.{digits}f}"


def rounded(name: str, digits: int = 2) -> Any:
    """A column of a list for a field whose numbers have many digits."""

    @display(description=name.replace("_", " "), ordering=name)
    def shown(self: Any, row: Any) -> str:
        return number(getattr(row, name), digits)

    return shown


def by_id(rows: QuerySet, *names: str) -> dict[Any, tuple]:
    """A grouped query's rows by their first column."""
    return {key: tuple(rest) for key, *rest in rows.values_list(*names)}


def ids(rows: Iterable[Model]) -> list[Any]:
    """Primary keys of a page's rows."""
    return [row.pk for row in rows]
