"""A worker in a campaign, /campaigns/{slug}/workers/{pseudonym}/, and setting them aside.

Their pace, controls, agreement and answers as pictures; and, before they are set aside, what it
would change.
"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, F, FloatField, Q
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from unfold.widgets import UnfoldAdminTextareaWidget

from annotation.dashboards.workers import Row, workers_of
from annotation.drawn.answer import draw
from annotation.explorer.controls import controls_of
from annotation.explorer.without_worker import effect_of
from annotation.rights import RAW_WORKERS, REVIEW, VIEW, may
from annotation.rights.pages import needs
from annotation.rights.rules import need
from tasks.models import Assignment, Campaign, Stop, Worker, WorkerResult
from tasks.models.assignment import USED, Outcome
from tasks.work.skills import accuracy_so_far
from tasks.work.stops import set_aside

ANSWERS, COMMENTS = 3, 20  # on a page


class Why(forms.Form):
    """The reason, for the log."""

    why = forms.CharField(
        label="Why, for the log", max_length=2000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )


@dataclass(frozen=True)
class Answered:
    """How many answers of a worker there are, and what became of them."""

    all: int
    used: int
    set_aside: int
    rejected: int
    waiting: int

    @classmethod
    def of(cls, answers: Any) -> "Answered":
        return cls(
            **answers.aggregate(
                all=Count("pk"),
                used=Count("pk", filter=USED),
                set_aside=Count("pk", filter=Q(set_aside=True)),
                rejected=Count("pk", filter=Q(outcome=Outcome.REJECTED)),
                waiting=Count("pk", filter=Q(outcome=Outcome.NONE, state="submitted")),
            )
        )

    def told(self) -> str:
        parts = [
            (self.used, "used"),
            (self.waiting, "wait for review"),
            (self.set_aside, "set aside"),
            (self.rejected, "rejected"),
        ]
        return ", ".join(f"{number:,} {word}" for number, word in parts if number)


def _worker_of(campaign: Campaign, pseudonym: str) -> Worker:
    """Raises Http404 for workers who have done nothing in the campaign."""
    worker = Worker.objects.filter(pseudonym=pseudonym.replace("\0", "")).first()
    if worker is not None:
        for rows in (campaign.assignments, campaign.stops):
            if rows.filter(worker=worker).exists():
                return worker
    raise Http404(f"Campaign {campaign.slug} has no worker {pseudonym}.")


@needs(VIEW, Campaign)
@require_safe
@never_cache
def worker_page(request: HttpRequest, campaign: Campaign, pseudonym: str) -> HttpResponse:
    """The page; `?before=` shows older answers."""
    worker = _worker_of(campaign, pseudonym)
    answers = Assignment.objects.filter(
        campaign=campaign, worker=worker, submitted_at__isnull=False
    )
    older = answers.select_related("hit", "campaign", "worker").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        older = older.filter(pk__lt=before)
    shown = list(older[: ANSWERS + 1])
    row = next(iter(workers_of(campaign, worker)), None)
    reviews = may(request.user, REVIEW, campaign)
    comments = answers.exclude(comment="").order_by("-pk")
    context = {
        **admin.site.each_context(request),
        "title": f"Worker {worker.pseudonym}",
        "campaign": campaign,
        "worker": worker,
        "row": row,
        "answered": Answered.of(answers),
        "result": WorkerResult.objects.filter(campaign=campaign, worker=worker)
        .select_related("run")
        .first(),
        "skill": accuracy_so_far(campaign, [worker.pk]).get(worker.pk),
        "pace": _pace(campaign, row),
        "controls": controls_of(campaign, worker),
        "flags": worker.flags.filter(campaign=campaign).order_by("kind", "pk") if reviews else [],
        "answers": [draw(answer) for answer in shown[:ANSWERS]],
        "older": shown[ANSWERS - 1].pk if len(shown) > ANSWERS else None,
        "is_first": not before,
        "comments": comments[:COMMENTS],
        "stop": Stop.objects.filter(campaign=campaign, worker=worker).first(),
        "may_review": reviews,
        "sees_ids": may(request.user, RAW_WORKERS, campaign),
    }
    return TemplateResponse(request, "explorer/worker.html", context)


def _pace(campaign: Campaign, row: Row | None) -> str:
    """Their seconds an item, beside what half of the campaign's workers take."""
    if row is None or row.seconds is None:
        return ""
    middle = _middle(
        WorkerResult.objects.filter(campaign=campaign, median_seconds__isnull=False, items__gt=0)
        .annotate(each=F("median_seconds") * F("assignments") / Cast(F("items"), FloatField()))
        .order_by("each")
    )
    beside = (
        "" if middle is None else f"; half of the campaign's workers take more than {middle:.1f}"
    )
    return f"{row.seconds:.1f} s an item{beside}"


def _middle(rows: Any) -> float | None:
    number = rows.count()
    return rows.values_list("each", flat=True)[number // 2] if number else None


@needs(VIEW, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def aside(request: HttpRequest, campaign: Campaign, pseudonym: str) -> HttpResponse:
    """What setting the worker aside would change; a POST does it, and leads back to their page."""
    worker = _worker_of(campaign, pseudonym)
    back = reverse("worker", args=[campaign.slug, worker.pseudonym])
    form = Why(request.POST or None)
    if request.method == "POST":
        need(request.user, REVIEW, campaign)
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            messages.warning(request, "They had been set aside already: nothing was changed.")
            return HttpResponseRedirect(back)
        if form.is_valid():
            who, why = request.user.get_username(), form.cleaned_data["why"].strip()
            number = set_aside(campaign, worker, why, who)
            text = f"{number:,} answer leaves" if number == 1 else f"{number:,} answers leave"
            messages.success(request, f"Set aside: {text} the results at the next aggregation.")
            return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": f"Set worker {worker.pseudonym} aside",
        "campaign": campaign,
        "worker": worker,
        "back": back,
        "effect": effect_of(campaign, worker),
        "stop": Stop.objects.filter(campaign=campaign, worker=worker).first(),
        "form": form,
        "may_review": may(request.user, REVIEW, campaign),
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "explorer/aside.html", context, status=status)
