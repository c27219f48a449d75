"""Workers in the admin, by pseudonym; set them aside, with a reason."""

from collections import defaultdict
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from annotation.admin.flags import evidence_of
from annotation.admin.guarded import VisibleFilter
from annotation.admin.steps import Step, ask_first
from annotation.admin.widgets import History, by_id, ids, link_to, link_to_list, link_to_worker
from annotation.rights import RAW_WORKERS, REVIEW, allowed, may, visible
from tasks.models import Assignment, Campaign, Flag, Stop, Worker
from tasks.models.assignment import USED
from tasks.work.stops import set_aside

MOST_FLAGS = 20  # shown on a worker's page; the list has all
MOST_CAMPAIGNS = 50


class AskWhichCampaign(forms.Form):
    """The campaign, and the reason for the log."""

    campaign = forms.ModelChoiceField(Campaign.objects.none(), widget=UnfoldAdminSelectWidget)
    why = forms.CharField(
        label="Why", max_length=2000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )

    def __init__(self, *args: Any, worker: Worker, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = Assignment.objects.filter(worker=worker).values("campaign")
        choice = self.fields["campaign"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = allowed(user, REVIEW, Campaign.objects.filter(pk__in=campaigns)).exclude(
            pk__in=worker.stops.values("campaign")
        )


@admin.register(Worker)
class WorkerAdmin(History):
    list_display = ["pseudonym", "crowd", "answers", "used", "flags", "set_aside_in", "created_at"]
    list_filter = ["crowd"]
    search_fields = ["pseudonym"]
    ordering = ["-pk"]
    actions_detail = ["set_aside"]

    def get_fields(self, request: HttpRequest, obj: Worker | None = None) -> list[str]:
        """A crowd's own id of a worker is for those who may read it."""
        fields = ["pseudonym", "crowd", "created_at", "answers", "used", "worked_in"]
        fields += ["flagged", "stopped"]
        return [*fields, "external_id"] if may(request.user, RAW_WORKERS, obj) else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Worker | None = None) -> list[str]:
        return ["answers", "used", "worked_in", "flagged", "stopped"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        if may(request.user, RAW_WORKERS):
            return ["pseudonym", "external_id__exact"]
        return ["pseudonym"]

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        handed_in = Assignment.objects.filter(worker__in=ids(rows), submitted_at__isnull=False)
        stopped = visible(request.user, Stop.objects.filter(worker__in=ids(rows)))
        answers = by_id(
            visible(request.user, handed_in)
            .order_by()
            .values("worker")
            .annotate(n=Count("pk"), counted=Count("pk", filter=USED)),
            "worker",
            "n",
            "counted",
        )
        stops = defaultdict(list)
        for stop in stopped.select_related("campaign"):
            stops[stop.worker_id].append(stop)
        flags = by_id(
            visible(request.user, Flag.objects.filter(worker__in=ids(rows)))
            .order_by()
            .values("worker")
            .annotate(n=Count("pk")),
            "worker",
            "n",
        )
        for row in rows:
            row.flag_count = flags.get(row.pk, (0,))[0]
            row.answered, row.used_answers = answers.get(row.pk, (0, 0))
            row.seen_stops = stops[row.pk]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        worker = super().get_object(request, object_id, from_field)
        self.prepare([worker], request)
        worked = Assignment.objects.filter(worker=worker, submitted_at__isnull=False)
        campaigns = Campaign.objects.filter(pk__in=worked.values("campaign"))
        worker.seen_campaigns = list(visible(request.user, campaigns)[:MOST_CAMPAIGNS])
        return worker

    @display(description="answers")
    def answers(self, worker: Any) -> str:
        return link_to_list(Assignment, f"{worker.answered:,}", worker__id__exact=worker.pk)

    @display(description="used")
    def used(self, worker: Any) -> str:
        return f"{worker.used_answers:,}"

    @display(description="as pictures, by campaign")
    def worked_in(self, worker: Any) -> str:
        rows = (
            (link_to_worker(campaign, worker, campaign.name),) for campaign in worker.seen_campaigns
        )
        return format_html_join(", ", "{}", rows) or "-"

    @display(description="flags")
    def flags(self, worker: Any) -> str:
        if not worker.flag_count:
            return "-"
        return link_to_list(Flag, f"{worker.flag_count:,}", worker__id__exact=worker.pk)

    @display(description="flags, to weigh")
    def flagged(self, worker: Any) -> str:
        return evidence_of(worker.flags.order_by("kind", "pk")[:MOST_FLAGS])

    @display(description="set aside in")
    def set_aside_in(self, worker: Any) -> str:
        return f"{len(worker.seen_stops):,} campaigns" if worker.seen_stops else "-"

    @display(description="set aside in")
    def stopped(self, worker: Any) -> str:
        rows = ((link_to(stop.campaign), stop.reason) for stop in worker.seen_stops)
        return format_html_join(", ", "{} ({})", rows) or "-"

    def has_set_aside_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.may(request, REVIEW, object_id)

    @action(description="Set aside", permissions=["set_aside"], icon="person_off", url_path="aside")
    def set_aside(self, request: HttpRequest, object_id: str) -> HttpResponse:
        worker = self.row(request, object_id)
        step = Step(
            title=f"Set worker {worker.pseudonym} aside",
            consequences=[
                "All their answers in the campaign leave its results; others are asked instead.",
                "They get no further HITs of it, but may finish the one they have open.",
                "Money paid is not asked back. This cannot be undone here.",
            ],
            button="Set aside",
            form=AskWhichCampaign,
            form_options={"worker": worker, "user": request.user},
            danger=True,
        )

        def take(answers: dict[str, Any]) -> str:
            number = set_aside(
                answers["campaign"], worker, answers["why"], who=request.user.get_username()
            )
            return f"Set aside in {answers['campaign'].slug}: {number:,} answers left its results."

        return ask_first(self, request, worker, step, take)


@admin.register(Stop)
class StopAdmin(History):
    list_display = ["worker", "campaign", "reason", "at", "pictures"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["worker", "campaign"]
    search_fields = ["worker__pseudonym", "reason"]

    @display(description="")
    def pictures(self, stop: Stop) -> str:
        return link_to_worker(stop.campaign, stop.worker, "as pictures")
