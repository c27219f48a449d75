"""Campaigns in the admin: a draft to edit, then steps to take and progress to see."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.paginator import InfinitePaginator

from annotation.admin.campaign_form import CampaignForm
from annotation.admin.pages import History, Lists, bar, link_to, link_to_list, thumbnail
from annotation.admin.steps import AskNumber, AskNumberAndWhy, AskWhy, Step, ask_first
from annotation.exports import FORMATS, TABLES
from tasks import publish
from tasks.label_findings import in_a_sentence, label_findings
from tasks.models import (
    HIT,
    Assignment,
    Campaign,
    CampaignImage,
    ImageResult,
    Pair,
    PairResult,
    Run,
    Stop,
    Transition,
)
from tasks.models.campaign import Kind, State
from tasks.progress import progress_of
from tasks.results import aggregate
from tasks.rounds import waiting_places

STEPS = {
    State.DRAFT: ["publish", "close"],
    State.OPEN: ["pause", "aggregate", "close"],
    State.PAUSED: ["resume", "aggregate", "close"],
    State.FINISHED: ["aggregate", "close"],
    State.CLOSED: ["aggregate"],
}
STATE_COLOURS = {
    State.OPEN: "success",
    State.PAUSED: "warning",
    State.FINISHED: "info",
}
SETTINGS = [name for name in CampaignForm.Meta.fields if name not in ("name", "slug")]
FIGURES = ["state_now", "progress", "round_now", "along_the_way", "workers_address", "tables"]


@admin.register(Campaign)
class CampaignAdmin(Lists):
    form = CampaignForm
    list_display = ["name", "state_label", "kind_name", "dataset", "progress", "round_now"]
    list_filter = ["state", "kind", ("dataset", RelatedDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["dataset"]
    search_fields = ["name", "slug", "public_id__exact"]
    autocomplete_fields = ["source"]
    actions_detail = ["publish", "pause", "resume", "aggregate", "close"]

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> list:
        texts = ["title", "description", "instructions"]
        settings = [name for name in SETTINGS if name not in ("dataset", "kind", *texts)]
        what = (None, {"fields": ["name", "slug", "dataset", "kind"]})
        if obj is None:
            return [what, ("Settings", {"fields": settings}), ("Texts", {"fields": texts})]
        folded = {} if obj.state == State.DRAFT else {"classes": ["collapse"]}
        return [
            (None, {"fields": FIGURES}),
            ("What", {"fields": ["name", "slug", "dataset", "kind"]}),
            ("Settings", {"fields": settings, **folded}),
            ("Texts", {"fields": texts, **folded}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[str]:
        return [] if obj is None else FIGURES

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """What a campaign asks is frozen when it is published."""
        return super().has_change_permission(request) and (
            not isinstance(obj, Campaign) or _can_change(obj)
        )

    def has_take_step_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Publish, pause, resume, close, aggregate: also of a campaign that is frozen.

        A method, since a permission's name would be looked up before the first migration.
        """
        return request.user.has_perm("tasks.change_campaign")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only a draft that holds nothing can be deleted."""
        return (
            isinstance(obj, Campaign)
            and _can_change(obj)
            and request.user.has_perm("tasks.delete_campaign")
        )

    def prepare(self, rows: list[Any]) -> None:
        found = progress_of(rows)
        for row in rows:
            row.counted = found[row.pk]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        campaign = super().get_object(request, object_id, from_field)
        if campaign is not None:
            self.prepare([campaign])
        return campaign

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_label(self, campaign: Any) -> str:
        return campaign.state

    @display(description="kind", ordering="kind")
    def kind_name(self, campaign: Any) -> str:
        return campaign.kind.upper()

    @display(description="state")
    def state_now(self, campaign: Any) -> str:
        missing = waiting_places(campaign) if campaign.state == State.OPEN else 0
        return (
            f"{campaign.state}; {missing:,} answers wait for workers" if missing else campaign.state
        )

    @display(description="used answers")
    def progress(self, campaign: Any) -> str:
        return bar(campaign.counted.done, campaign.counted.total)

    @display(description="round", ordering="round")
    def round_now(self, campaign: Any) -> str:
        if not campaign.round:
            return "-"
        return f"{campaign.round} ({campaign.target} of {campaign.workers_per_item} answers)"

    @display(description="along the way")
    def along_the_way(self, campaign: Any) -> str:
        results = PairResult if campaign.kind == Kind.CONTAINS else ImageResult
        by = "pair__campaign__id__exact" if campaign.kind == Kind.CONTAINS else None
        links = [
            link_to_list(model, text, **{lookup or "campaign__id__exact": campaign.pk})
            for model, text, lookup in [
                (CampaignImage, "images", None),
                (Pair, "pairs", None),
                (HIT, f"{campaign.counted.hits:,} HITs", None),
                (Assignment, "assignments", None),
                (Stop, "workers set aside", None),
                (Run, "runs", None),
                (results, "results", by),
                (Transition, "log", None),
            ]
        ]
        if campaign.source:
            links.insert(0, link_to(campaign.source, f"follows {campaign.source.slug}"))
        return format_html_join(" · ", "{}", ((link,) for link in links))

    @display(description="workers' address")
    def workers_address(self, campaign: Any) -> str:
        address = reverse("tasks:campaign", args=[campaign.public_id])
        return format_html('<a class="underline" href="{}">{}</a>', address, address)

    @display(description="tables")
    def tables(self, campaign: Any) -> str:
        return format_html_join(
            " · ",
            '<a class="underline" href="{}">{}.{}</a>',
            (
                (reverse("api-export", args=[campaign.slug, table, extension]), table, extension)
                for table in TABLES[Kind(campaign.kind)]
                for extension in FORMATS
            ),
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list:
        """The steps that the campaign's state allows."""
        campaign = self.get_queryset(request).filter(pk=object_id).only("state").first()
        allowed = STEPS[State(campaign.state)] if campaign else []
        return [
            step
            for step in super().get_actions_detail(request, object_id)
            if step.action_name.rpartition("_")[2] in allowed
        ]

    @action(description="Publish", permissions=["take_step"], icon="play_arrow")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        try:
            images = len(publish.chosen_images(campaign))
            confusing = in_a_sentence(*label_findings(campaign))
        except (publish.Refused, ValueError):  # the page will say so
            images, confusing = 0, ""
        step = Step(
            title=f"Publish {campaign.name}",
            consequences=[
                f"{images:,} images of {campaign.dataset.slug} are in it"
                + (f", as chosen from {campaign.source.slug}." if campaign.source else "."),
                f"Each question is put to {campaign.workers_per_item} workers,"
                f" {min(campaign.round_size, campaign.workers_per_item)} in the first round.",
                "What it asks (candidates, layout, texts, settings) is frozen from then on.",
                *([confusing] if confusing else []),
            ],
            button=f"Publish {images:,} images",
            form=AskNumber,
            form_options={"expected": images, "of_what": "images"},
        )

        def take(said: dict) -> str:
            done = publish.publish(campaign, _who(request))
            return (
                f"Published: {done.pairs:,} pairs of {done.images:,} images in {done.hits:,} HITs."
            )

        return ask_first(self, request, campaign, step, take)

    @action(description="Pause", permissions=["take_step"], icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        step = Step(
            title=f"Pause {campaign.name}",
            consequences=["No more work is given out.", "What workers have open they may finish."],
            button="Pause",
            form=AskWhy,
        )

        def take(said: dict) -> str:
            publish.pause(campaign, _who(request), said["why"])
            return "Paused."

        return ask_first(self, request, campaign, step, take)

    @action(description="Resume", permissions=["take_step"], icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        step = Step(
            title=f"Resume {campaign.name}",
            consequences=["Work is given out again."],
            button="Resume",
            form=AskWhy,
        )

        def take(said: dict) -> str:
            publish.resume(campaign, _who(request), said["why"])
            return f"The campaign is {campaign.state}."

        return ask_first(self, request, campaign, step, take)

    @action(description="Close", permissions=["take_step"], icon="stop")
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        missing = waiting_places(campaign)
        step = Step(
            title=f"Close {campaign.name}",
            consequences=[
                f"The study ends with the counts as they are: {missing:,} answers are missing.",
                "It cannot be opened again.",
            ],
            button="Close it for good",
            form=AskNumberAndWhy,
            form_options={"expected": missing, "of_what": "missing answers"},
            danger=True,
        )

        def take(said: dict) -> str:
            publish.close(campaign, _who(request), said["why"])
            return "Closed."

        return ask_first(self, request, campaign, step, take)

    @action(description="Aggregate", permissions=["take_step"], icon="functions")
    def aggregate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        step = Step(
            title=f"Aggregate {campaign.name}",
            consequences=["Results are computed anew of the used answers; the last ones go."],
            button="Aggregate now",
        )

        def take(said: dict) -> str:
            run = aggregate(campaign)
            counts = ", ".join(f"{n:,} {name}" for name, n in run.counts.items())
            return f"Aggregated in {run.seconds:.1f} s: {counts}."

        return ask_first(self, request, campaign, step, take)

    def _campaign(self, object_id: str) -> Campaign:
        return Campaign.objects.select_related("dataset", "source").get(pk=object_id)


def _can_change(campaign: Campaign) -> bool:
    """Whether it is a draft that holds nothing yet."""
    return campaign.state == State.DRAFT and not campaign.hits.exists()


def _who(request: HttpRequest) -> str:
    return request.user.get_username()


@admin.register(CampaignImage)
class CampaignImageAdmin(History):
    list_display = ["picture", "image", "campaign", "group", "asked", "inclusion_probability"]
    list_filter = [("campaign", RelatedDropdownFilter), "group", "asked"]
    list_filter_submit = True
    list_select_related = ["image", "campaign"]
    search_fields = ["image__key"]
    paginator = InfinitePaginator  # never counted
    show_full_result_count = False

    @display(description="")
    def picture(self, row: CampaignImage) -> str:
        return thumbnail(row.image)


@admin.register(Pair)
class PairAdmin(History):
    list_display = ["picture", "image", "label", "sources", "campaign"]
    list_filter = [("campaign", RelatedDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["image", "label", "campaign"]
    search_fields = ["image__key", "label__key"]
    paginator = InfinitePaginator  # never counted
    show_full_result_count = False

    @display(description="")
    def picture(self, pair: Pair) -> str:
        return thumbnail(pair.image)


@admin.register(Transition)
class TransitionAdmin(History):
    list_display = ["at", "campaign", "subject", "before", "after", "who", "why"]
    list_filter = [("campaign", RelatedDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["campaign"]
    search_fields = ["subject", "who", "why"]
    paginator = InfinitePaginator  # never counted
    show_full_result_count = False
