"""A campaign's progress, live, for the researchers who run it: /campaigns/{slug}/."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import admin
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.links import door, link_of
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.clock import database_now
from tasks.models import Assignment, Campaign, Place
from tasks.models.assignment import USED
from tasks.models.campaign import State
from tasks.results import last_failure
from tasks.results.prevalence import bands
from tasks.work.reporting import open_pictures

LATELY = timedelta(minutes=15)


@dataclass(frozen=True)
class Round:
    """The places of one round, by state."""

    number: int
    answered: int
    running: int
    free: int

    @property
    def places(self) -> int:
        return self.answered + self.running + self.free

    @property
    def percent(self) -> float:
        return 100 * self.answered / self.places if self.places else 0.0


@dataclass(frozen=True)
class Progress:
    """How far a campaign is: its places by round, its answers, and who gave them."""

    rounds: list[Round]
    hits: int
    wanted: int  # answers of all rounds, those still to open included
    workers: int
    used: int
    set_aside: int
    late: int
    lately: int  # answers within LATELY
    now: datetime
    last: datetime | None  # time of the last answer

    @property
    def answered(self) -> int:
        return sum(round_.answered for round_ in self.rounds)

    @property
    def percent(self) -> float:
        return 100 * self.answered / self.wanted if self.wanted else 0.0

    @property
    def finish(self) -> datetime | None:
        """When the campaign will be finished at the recent pace; None without recent answers."""
        missing = self.wanted - self.answered
        if not self.lately or missing <= 0:
            return None
        return self.now + LATELY * (missing / self.lately)


def count_progress(campaign: Campaign) -> Progress:
    """A campaign's progress, counted from its places and assignments as they are now."""
    now = database_now()
    places = (
        Place.objects.filter(campaign=campaign)
        .values("round")
        .order_by("round")
        .annotate(
            answered=Count("pk", filter=Q(free_at=None)),
            running=Count("pk", filter=Q(free_at__gt=now)),
            free=Count("pk", filter=Q(free_at__lte=now)),
        )
    )
    answers = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False).aggregate(
        workers=Count("worker", distinct=True),
        used=Count("pk", filter=USED),
        set_aside=Count("pk", filter=Q(set_aside=True)),
        late=Count("pk", filter=Q(state="expired")),
        lately=Count("pk", filter=Q(submitted_at__gt=now - LATELY)),
        last=Max("submitted_at"),
    )
    hits = campaign.hits.count()
    return Progress(
        rounds=[Round(p["round"], p["answered"], p["running"], p["free"]) for p in places],
        hits=hits,
        wanted=hits * campaign.workers_per_item,
        now=now,
        **answers,
    )


@needs(VIEW, Campaign)
@require_safe
@never_cache
def campaign_progress(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page; its script reloads it while the campaign is open."""
    progress = count_progress(campaign)
    context = {
        **admin.site.each_context(request),
        "title": campaign.name,
        "campaign": campaign,
        "percent": f"{progress.percent:.1f}",
        "figures": _figures(progress, campaign),
        "rounds": {
            "headers": ["round", "answered", "running", "free"],
            "rows": [
                [
                    round_.number,
                    f"{round_.answered:,} of {round_.places:,}",
                    f"{round_.running:,}",
                    f"{round_.free:,}",
                ]
                for round_ in progress.rounds
            ],
        },
        "shares": _shares(campaign),
        "run": campaign.runs.first(),
        "failure": last_failure(campaign),
        "is_open": campaign.state == State.OPEN,
        "reported": len(open_pictures(campaign)),
        "reported_page": reverse("admin:tasks_picturereport_changelist")
        + f"?campaign__id__exact={campaign.pk}&state=open",
        "settings_page": reverse("admin:tasks_campaign_change", args=[campaign.pk]),
        "invite_page": reverse("admin:tasks_campaign_invite", args=[campaign.pk]),
        "workers_page": link_of(request, door(campaign) or ""),
    }
    return TemplateResponse(request, "pages/progress.html", context)


def _shares(campaign: Campaign) -> dict[str, list]:
    """The table of sections by their share of positives (rule F5)."""
    return {
        "headers": ["expected share", "sections", "expected", "selected"],
        "rows": [
            [
                f"{band.low:.0%} to {band.high:.0%}",
                f"{band.sections:,}",
                f"{band.expected:.1%}",
                f"{band.observed:.1%} of {band.shown:,}" if band.observed is not None else "-",
            ]
            for band in bands(campaign)
        ],
    }


def _figures(progress: Progress, campaign: Campaign) -> list[tuple[str, str, str]]:
    """(title, figure, note) for each of the page's cards."""
    minutes = int(LATELY.total_seconds() // 60)
    finish = progress.finish
    unused = f"{progress.set_aside:,} set aside, {progress.late:,} too late"
    last = f"the last {progress.last:%d %b %H:%M} UTC" if progress.last else "none yet"
    return [
        (
            "Answers",
            f"{progress.answered:,} of {progress.wanted:,}",
            f"{progress.hits:,} HITs by {campaign.workers_per_item} workers each",
        ),
        (
            "Round",
            f"{campaign.round}",
            f"{campaign.target} of {campaign.workers_per_item} answers a HIT so far",
        ),
        ("Workers", f"{progress.workers:,}", f"{progress.used:,} answers used, {unused}"),
        (
            "Expected finish",
            f"{finish:%d %b %H:%M} UTC" if finish else "-",
            f"{progress.lately:,} answers in the last {minutes} minutes, {last}",
        ),
    ]


urlpatterns = [path("campaigns/<slug:slug>/", campaign_progress, name="campaign-progress")]
