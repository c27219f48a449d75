"""Reported pictures in the admin: who reported which and why, and whether that is resolved."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.steps import Step, ask_first
from annotation.admin.widgets import History, label_name, link_to, thumbnail
from annotation.rights import REVIEW, allowed, may_somewhere
from tasks.models import PictureReport
from tasks.work.reporting import resolve


class StateFilter(admin.SimpleListFilter):
    """Reports that wait for somebody, or that somebody has resolved."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), ("resolved", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("open", "resolved"):
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


@admin.register(PictureReport)
class PictureReportAdmin(History):
    links = ("image__id__exact", "worker__id__exact", StateFilter.parameter_name)
    list_display = [
        "picture",
        "image",
        "label_named",
        "people",
        "reason",
        "worker",
        "campaign",
        "at",
    ]
    list_display += ["state"]
    list_display_links = ["image"]
    list_filter = [("campaign", VisibleFilter), StateFilter]
    list_select_related = ["image", "label", "worker", "campaign"]
    search_fields = ["image__key__exact", "worker__pseudonym__exact"]
    search_help_text = "The full key of an image, or a worker's full pseudonym."
    fields = [
        "picture",
        "image_link",
        "label_named",
        "people",
        "reason",
        "worker_link",
        "assignment_link",
    ]
    fields += ["campaign_link", "at", "state"]
    readonly_fields = [
        "picture",
        "image_link",
        "label_named",
        "people",
        "worker_link",
        "assignment_link",
    ]
    readonly_fields += ["campaign_link", "state"]
    actions = ["resolve_chosen"]
    actions_detail = ["resolve"]

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        counted = (
            PictureReport.objects.filter(image__in={row.image_id for row in rows})
            .order_by()
            .values_list("campaign", "image")
            .annotate(Count("pk"))
        )
        people = {(campaign, image): number for campaign, image, number in counted}
        for row in rows:
            row.people = people.get((row.campaign_id, row.image_id), 0)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        report = super().get_object(request, object_id, from_field)
        self.prepare([report], request)
        return report

    @display(description="")
    def picture(self, report: PictureReport) -> str:
        return thumbnail(report.image)

    @display(description="label")
    def label_named(self, report: PictureReport) -> str:
        return label_name(report.label)

    @display(description="reported by")
    def people(self, report: Any) -> str:
        """How many workers of the campaign reported the picture."""
        return f"{report.people:,} worker{'' if report.people == 1 else 's'}"

    @display(description="state", ordering="resolved_at")
    def state(self, report: PictureReport) -> str:
        if report.resolved_at is None:
            return "open"
        return f"resolved by {report.resolved_by}, {report.resolved_at:%Y-%m-%d %H:%M}"

    @display(description="image")
    def image_link(self, report: PictureReport) -> str:
        return link_to(report.image)

    @display(description="worker")
    def worker_link(self, report: PictureReport) -> str:
        return link_to(report.worker)

    @display(description="assignment")
    def assignment_link(self, report: PictureReport) -> str:
        return link_to(report.assignment)

    @display(description="campaign")
    def campaign_link(self, report: PictureReport) -> str:
        return link_to(report.campaign)

    def has_resolve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        if object_id is None:
            return may_somewhere(request.user, REVIEW)
        return self.may(request, REVIEW, object_id)

    @action(description="Mark these pictures as resolved", permissions=["resolve"])
    def resolve_chosen(self, request: HttpRequest, chosen: QuerySet[PictureReport]) -> None:
        if allowed(request.user, REVIEW, chosen).count() < chosen.count():
            raise PermissionDenied
        who = request.user.get_username()
        pictures = chosen.order_by().values_list("campaign", "image").distinct()
        number = sum(resolve(campaign, image, who) for campaign, image in list(pictures))
        messages.success(request, f"Resolved: {number:,} reports.")

    @action(description="Mark as resolved", permissions=["resolve"], icon="task_alt")
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        report = self.row(request, object_id)
        step = Step(
            title=f"Mark {report.image.key} as resolved",
            consequences=[
                "All reports of this picture in the campaign leave the list of what is open.",
                "The picture stays hidden from those who reported it, and shown to others.",
                "If another worker reports it, it is open again.",
            ],
            button="Resolved",
        )

        def take(values: dict[str, Any]) -> str:
            number = resolve(report.campaign_id, report.image_id, request.user.get_username())
            return f"Resolved: {number:,} reports." if number else "It was resolved before."

        return ask_first(self, request, report, step, take)
