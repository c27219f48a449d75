"""The review queue, /campaigns/{slug}/review/: one answer at a time, decided by key or button."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.drawn.answer import draw
from annotation.review.queue import (
    Held,
    answer_named,
    decide_all,
    decided,
    next_of,
    rejected,
    waiting,
)
from annotation.rights import REVIEW
from annotation.rights.pages import needs
from tasks import money
from tasks.models import Assignment, Campaign
from tasks.models.refused import Refused
from tasks.work import review
from tasks.work.skills import accuracy_so_far

DECIDED = 10  # answers shown below the queue


class Decision(forms.Form):
    """What a person decided about an answer, or about all such answers of its worker."""

    DECISIONS = ("accept", "reject", "overturn", "accept-all", "reject-all", "overturn-all")

    answer = forms.CharField(max_length=200)
    decision = forms.ChoiceField(choices=[(word, word) for word in DECISIONS])
    why = forms.CharField(max_length=1000, required=False)


@needs(REVIEW, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def review_page(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The answer `?at=KEY`, decided or not, or the next that waits behind `?after=KEY`.

    `?held=KEY`: the page's script still holds back what was decided about that answer; with
    `?all=1`, about all of its worker. A POST decides and leads on. To a request that accepts JSON
    alone: 200 with what became of it, or 422 with the reason.
    """
    here = reverse("campaign-review", args=[campaign.slug])
    if request.method == "POST":
        return _decide(request, campaign, here)
    held = Held(answer_named(campaign, request.GET.get("held")), "all" in request.GET)
    rows = held.without(waiting(campaign))
    after = answer_named(campaign, request.GET.get("after")) or held.answer
    answer = answer_named(campaign, request.GET.get("at")) or next_of(rows, after)
    context = {
        **admin.site.each_context(request),
        "title": f"{campaign.name}: review",
        "campaign": campaign,
        "here": here,
        "left": rows.count(),
        "drawn": draw(answer) if answer is not None else None,
        "decided": held.without(decided(campaign))[:DECIDED],
    }
    if answer is not None:
        context |= _of_answer(campaign, answer)
    return TemplateResponse(request, "review/page.html", context)


def _of_answer(campaign: Campaign, answer: Assignment) -> dict[str, Any]:
    price = money.price(campaign, answer.hit)
    overturns = rejected(campaign).filter(pk=answer.pk).exists()
    same = rejected(campaign) if overturns else waiting(campaign)
    return {
        "waits": waiting(campaign).filter(pk=answer.pk).exists(),
        "overturns": overturns,
        "pay": campaign.as_money(price) if price else "",
        "skill": accuracy_so_far(campaign, [answer.worker_id]).get(answer.worker_id),
        "same_worker": same.filter(worker=answer.worker).count(),
        "flags": answer.worker.flags.filter(campaign=campaign).order_by("kind", "pk")[:5],
    }


def _decide(request: HttpRequest, campaign: Campaign, here: str) -> HttpResponse:
    form = Decision(request.POST)
    answer = answer_named(campaign, request.POST.get("answer", "")[:200])
    if not form.is_valid() or answer is None:
        return _refused(request, here, "Say what to do with which answer.")
    word, _, every = form.cleaned_data["decision"].partition("-")
    why, who = form.cleaned_data["why"].strip(), request.user.get_username()
    counting = []

    def take(answer: Assignment) -> None:
        if word == "accept":
            review.accept(answer, who, why)
        elif word == "reject":
            review.reject(answer, why, who)
        elif review.overturn(answer, who, why):
            counting.append(answer)

    try:
        done = 1
        if every:
            rows = rejected(campaign) if word == "overturn" else waiting(campaign)
            done, refusals = decide_all(rows.filter(worker=answer.worker_id), take)
            if refusals:
                return _refused(request, here, f"{done:,} decided; {refusals[0]}")
        else:
            take(answer)
    except Refused as refused:
        return _refused(request, here, str(refused))
    told = _told(word, done, len(counting))
    if _wants_json(request):
        return HttpResponse(told, content_type="text/plain; charset=utf-8")
    messages.success(request, told)
    return HttpResponseRedirect(here)


def _told(word: str, done: int, counting: int) -> str:
    what = {"accept": "accepted", "reject": "rejected", "overturn": "accepted after all"}[word]
    told = f"{done:,} answer{'' if done == 1 else 's'} {what}"
    return f"{told}, of which {counting:,} count again." if word == "overturn" else f"{told}."


def _refused(request: HttpRequest, here: str, why: str) -> HttpResponse:
    text = capfirst(why)
    if _wants_json(request):
        return HttpResponse(text, status=422, content_type="text/plain; charset=utf-8")
    messages.error(request, text)
    return HttpResponseRedirect(here)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


urlpatterns = [path("campaigns/<slug:slug>/review/", review_page, name="campaign-review")]
