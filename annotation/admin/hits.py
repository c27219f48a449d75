"""HITs and their items in the admin: laid out at publish, never changed afterwards."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.decorators import display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import (
    History,
    bar,
    by_id,
    ids,
    label_name,
    link_to,
    link_to_list,
    rounded,
    thumbnail,
)
from tasks.models import HIT, Assignment, HITItem
from tasks.models.assignment import USED
from tasks.work.states import hit_states


class Items(TabularInline):
    model = HITItem
    fields = [
        "picture",
        "position",
        "section",
        "image_link",
        "label_named",
        "role",
        "known",
        "weak",
    ]
    readonly_fields = ["picture", "image_link", "label_named"]
    ordering = ["position"]
    extra = 0
    hide_title = True
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("image", "label")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="")
    def picture(self, item: HITItem) -> str:
        return thumbnail(item.image, height=48)

    @display(description="image")
    def image_link(self, item: HITItem) -> str:
        return link_to(item.image)

    @display(description="label")
    def label_named(self, item: HITItem) -> str:
        return label_name(item.label)


@admin.register(HIT)
class HITAdmin(History):
    list_display = ["key", "campaign", "state_now", "items", "reward", "answers", "progress"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["campaign"]
    search_fields = ["key__exact", "public_id__exact", "items__image__key__exact"]
    search_help_text = "A HIT's key or public id, or the key of an image in it."
    fields = [
        "key",
        "campaign_link",
        "state_now",
        "public_id",
        "seconds",
        "reward",
        "answers",
        "progress",
    ]
    seconds = rounded("expected_seconds", 0)
    readonly_fields = ["seconds", "campaign_link", "state_now", "answers", "progress"]
    inlines = [Items]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Search by key; an image's HITs by a subquery, so that no row comes twice."""
        if not search_term:
            return queryset, False
        of_image = HITItem.objects.filter(image__key=search_term).values("hit")
        matches = Q(key=search_term) | Q(public_id=search_term) | Q(pk__in=of_image)
        return queryset.filter(matches), False

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        counts = by_id(
            Assignment.objects.filter(hit__in=ids(rows))
            .order_by()
            .values("hit")
            .annotate(n=Count("pk"), counted=Count("pk", filter=USED)),
            "hit",
            "n",
            "counted",
        )
        items = by_id(
            HITItem.objects.filter(hit__in=ids(rows))
            .order_by()
            .values("hit")
            .annotate(n=Count("pk")),
            "hit",
            "n",
        )
        states = hit_states(rows)
        for row in rows:
            row.current_state = states[row.pk]
            row.all, row.used = counts.get(row.pk, (0, 0))
            row.item_count = items.get(row.pk, (0,))[0]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        hit = super().get_object(request, object_id, from_field)
        self.prepare([hit], request)
        return hit

    @display(description="state")
    def state_now(self, hit: Any) -> str:
        return hit.current_state

    @display(description="items")
    def items(self, hit: Any) -> str:
        return f"{hit.item_count:,}"

    @display(description="assignments")
    def answers(self, hit: Any) -> str:
        return link_to_list(Assignment, f"{hit.all:,}", hit__id__exact=hit.pk)

    @display(description="used answers")
    def progress(self, hit: Any) -> str:
        return bar(hit.used, hit.campaign.workers_per_item)

    @display(description="campaign")
    def campaign_link(self, hit: Any) -> str:
        return link_to(hit.campaign)
