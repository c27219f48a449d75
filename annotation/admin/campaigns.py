"""Campaigns in the admin: drafts to edit, steps to take, progress to follow."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from annotation.admin.additions import AdditionSteps
from annotation.admin.campaign_steps import CampaignSteps
from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import (
    History,
    Lists,
    bar,
    label_name,
    link_to,
    link_to_list,
    rounded,
    thumbnail,
)
from annotation.exports import FORMATS, TABLES
from annotation.path.standing import standing_of
from annotation.path.times import about
from tasks import money
from tasks.crowds.local.invitations import NAME as LOCAL
from tasks.models import (
    HIT,
    Assignment,
    Campaign,
    CampaignImage,
    ImageResult,
    Invitation,
    Pair,
    PairResult,
    Payment,
    PictureReport,
    Run,
    Session,
    Stop,
    Transition,
    campaign_settings,
)
from tasks.models.campaign import Kind, State
from tasks.money.hourly import shortfall
from tasks.work.rounds import state_told, waiting_places
from tasks.work.states import round_states

STEPS = {
    State.DRAFT: ["publish", "invite", "close"],
    State.OPEN: ["invite", "pause", "sync", "aggregate", "close"],
    State.PAUSED: ["resume", "invite", "sync", "aggregate", "close"],
    State.FINISHED: ["missing", "sync", "aggregate", "close"],
    State.CLOSED: ["missing", "sync", "aggregate"],
}
NAMES = {
    "publish": "Publish",
    "invite": "Invite workers",
    "pause": "Pause",
    "resume": "Resume",
    "missing": "Ask the missing pairs",
    "difference": "Pay the difference",
    "sync": "Sync",
    "aggregate": "Aggregate",
    "close": "End the study",
}
STATE_COLOURS = {
    State.OPEN: "success",
    State.PAUSED: "warning",
    State.FINISHED: "info",
}
SETTINGS = [name for name in campaign_settings.SETTINGS if name not in ("name", "slug")]
FIGURES = [
    "state_now",
    "progress",
    "round_now",
    "rounds",
    "spending",
    "synced_at",
    "along_the_way",
    "workers_address",
    "tables",
]


@admin.register(Campaign)
class CampaignAdmin(CampaignSteps, AdditionSteps, Lists):
    list_display = ["page", "state_label", "kind_name", "dataset", "progress", "round_now"]
    list_display += ["spent", "finish"]
    list_display_links = None  # a campaign's page leads on to its form
    list_filter = ["state", "kind", ("dataset", VisibleFilter)]
    list_filter_submit = True
    list_select_related = ["dataset"]
    search_fields = ["name", "slug", "public_id__exact"]
    actions_detail = [
        *("publish", "invite", "pause", "resume", "missing", "difference", "sync", "aggregate"),
        "close",
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> list:
        texts = campaign_settings.TEXTS
        settings = [name for name in SETTINGS if name not in ("dataset", "kind", *texts)]
        folded = {"classes": ["collapse"]}
        return [
            (None, {"fields": FIGURES}),
            ("What", {"fields": ["name", "slug", "dataset", "kind"]}),
            ("Settings", {"fields": settings, **folded}),
            ("Texts", {"fields": texts, **folded}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[str]:
        return FIGURES

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A campaign is made in steps."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("campaign-new")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A draft is changed in its steps, a published campaign's texts on their own page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only a draft that holds nothing can be deleted."""
        return (
            isinstance(obj, Campaign)
            and obj.state == State.DRAFT
            and not obj.hits.exists()
            and request.user.has_perm("tasks.delete_campaign", obj)
        )

    def prepare(self, rows: list[Any], request: HttpRequest) -> None:
        for row, standing in zip(rows, standing_of(rows), strict=True):
            row.counted, row.spent_so_far = standing.completion, standing.spent
            row.finish = about(standing.finish, standing.pace.now) if standing.finish else "-"

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        campaign = super().get_object(request, object_id, from_field)
        self.prepare([campaign], request)
        return campaign

    @display(description="name", ordering="name")
    def page(self, campaign: Campaign) -> str:
        return link_to(campaign, campaign.name)

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_label(self, campaign: Any) -> str:
        return campaign.state

    @display(description="kind", ordering="kind")
    def kind_name(self, campaign: Any) -> str:
        return campaign.kind.upper()

    @display(description="state")
    def state_now(self, campaign: Any) -> str:
        missing = waiting_places(campaign) if campaign.state == State.OPEN else 0
        waiting = f"; {missing:,} answers wait for workers" if missing else ""
        return f"{state_told(campaign)}{waiting}"

    @display(description="used answers")
    def progress(self, campaign: Any) -> str:
        return bar(campaign.counted.done, campaign.counted.total)

    @display(description="round", ordering="round")
    def round_now(self, campaign: Any) -> str:
        if not campaign.round:
            return "-"
        last = ", the last that its budget allows" if campaign.out_of_money else ""
        return f"{campaign.round} ({campaign.target} of {campaign.workers_per_item} answers{last})"

    @display(description="rounds")
    def rounds(self, campaign: Any) -> str:
        states = sorted(round_states(campaign).items())
        return ", ".join(f"{number}: {state}" for number, state in states) or "-"

    @display(description="paid and owed")
    def spent(self, campaign: Any) -> str:
        of = f" of {campaign.as_money(campaign.budget)}" if campaign.budget is not None else ""
        return f"{campaign.as_money(campaign.spent_so_far)}{of}"

    @display(description="expected finish")
    def finish(self, campaign: Any) -> str:
        return campaign.finish

    @display(description="money")
    def spending(self, campaign: Any) -> str:
        """What is paid and owed, what the answers still to come cost, and what is left."""
        committed = money.committed(campaign)
        parts = [
            f"{campaign.as_money(campaign.spent_so_far)} paid and owed",
            f"{campaign.as_money(committed - campaign.spent_so_far)} for the answers still to come",
        ]
        if campaign.budget is not None:
            left = campaign.as_money(campaign.budget - committed)
            parts.append(f"{left} left of {campaign.as_money(campaign.budget)}")
        return "; ".join(parts)

    @display(description="along the way")
    def along_the_way(self, campaign: Any) -> str:
        results = PairResult if campaign.kind == Kind.CONTAINS else ImageResult
        by = "pair__campaign__id__exact" if campaign.kind == Kind.CONTAINS else None
        links = [
            link_to_list(model, text, **{lookup or "campaign__id__exact": campaign.pk})
            for model, text, lookup in [
                (CampaignImage, "images", None),
                (Pair, "pairs", None),
                *([(Invitation, "invitations", None)] if campaign.crowd == LOCAL else []),
                (HIT, f"{campaign.counted.hits:,} HITs", None),
                (Assignment, "assignments", None),
                *([(Session, "sessions", None)] if campaign.session_hits else []),
                (Stop, "workers set aside", None),
                (PictureReport, "reported pictures", None),
                (Payment, "payments", None),
                (Run, "runs", None),
                (results, "results", by),
                (Transition, "log", None),
            ]
        ]
        if campaign.source:
            links.insert(0, link_to(campaign.source, f"follows {campaign.source.slug}"))
        if campaign.adds_to:
            links.insert(0, link_to(campaign.adds_to, f"adds to {campaign.adds_to.slug}"))
        return format_html_join(" · ", "{}", ((link,) for link in links))

    @display(description="workers' address")
    def workers_address(self, campaign: Any) -> str:
        address = reverse("tasks:campaign", args=[campaign.public_id])
        return format_html('<a class="underline" href="{}">{}</a>', address, address)

    @display(description="tables")
    def tables(self, campaign: Any) -> str:
        if not campaign.slug:  # a form that was sent without one is shown again
            return "-"
        return format_html_join("", "<div>{}</div>", ((row,) for row in _downloads(campaign)))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list:
        """The steps that the campaign's state allows."""
        campaign = self.row(request, object_id)
        allowed = dict(steps_of(campaign, shortfall(campaign) is not None))
        return [
            step
            for step in super().get_actions_detail(request, object_id)
            if step.action_name.rpartition("_")[2] in allowed
        ]


def steps_of(campaign: Campaign, falls_short: bool) -> list[tuple[str, str]]:
    """The steps that a campaign's state, kind and crowd allow, with their names on buttons.

    falls_short: whether its sessions took longer than they are paid for.
    """
    allowed = STEPS[State(campaign.state)]
    if campaign.crowd != LOCAL:
        allowed = [step for step in allowed if step != "invite"]
    if campaign.kind != Kind.CONTAINS or campaign.adds_to_id is not None:
        allowed = [step for step in allowed if step != "missing"]
    if falls_short:
        allowed = [*allowed[:-1], "difference", allowed[-1]]
    return [(step, NAMES[step]) for step in allowed]


def _downloads(campaign: Campaign) -> Iterator[str]:
    """The links to each table: for a spreadsheet, and exact, for programs."""
    link = '<a class="underline" href="{}">{}</a>'
    for table in TABLES[Kind(campaign.kind)]:
        exact = {name: reverse("api-export", args=[campaign.slug, table, name]) for name in FORMATS}
        programs = format_html_join(" · ", link, ((exact[name], name) for name in FORMATS))
        spreadsheet = format_html(link, f"{exact['csv']}?for=spreadsheets", table)
        yield format_html("{} (for a spreadsheet); for programs: {}", spreadsheet, programs)


@admin.register(CampaignImage)
class CampaignImageAdmin(History):
    probability = rounded("inclusion_probability")
    list_display = ["picture", "image", "campaign", "group", "asked", "probability"]
    list_filter = [("campaign", VisibleFilter), "group", "asked"]
    list_select_related = ["image", "campaign"]
    search_fields = ["image__key"]

    @display(description="")
    def picture(self, row: CampaignImage) -> str:
        return thumbnail(row.image)


@admin.register(Pair)
class PairAdmin(History):
    list_display = ["picture", "image", "label_named", "sources", "campaign"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["image", "label", "campaign"]
    search_fields = ["image__key", "label__key"]

    @display(description="")
    def picture(self, pair: Pair) -> str:
        return thumbnail(pair.image)

    @display(description="label")
    def label_named(self, pair: Pair) -> str:
        return label_name(pair.label)


@admin.register(Transition)
class TransitionAdmin(History):
    list_display = ["at", "campaign", "subject", "assignment", "before", "after", "who", "why"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["campaign", "assignment"]
    search_fields = ["subject", "who", "why", "assignment__key__exact"]
