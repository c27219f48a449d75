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
from annotation.review.queue import decide_all, decided, next_to_review, waiting
from annotation.rights import REVIEW
from annotation.rights.pages import needs
from tasks import money
from tasks.models import Assignment, Campaign
from tasks.models.refused import Refused
from tasks.work import review
from tasks.work.skills import accuracy_so_far


class Decision(forms.Form):
    """What a person decided about an answer, or about all that wait of its worker."""

    DECISIONS = ("accept", "reject", "accept-all", "reject-all")

    answer = forms.CharField(max_length=200)
    decision = forms.ChoiceField(choices=[(word, word) for word in DECISIONS])
    why = forms.CharField(max_length=1000, required=False)


@needs(REVIEW, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def review_page(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The answer `?at=KEY`, or the next behind `?after=KEY`; a POST decides and leads on.

    To a request that accepts JSON alone: 204, or 422 with the reason.
    """
    here = reverse("campaign-review", args=[campaign.slug])
    if request.method == "POST":
        return _decide(request, campaign, here)
    answer = next_to_review(campaign, request.GET.get("after"), request.GET.get("at"))
    context = {
        **admin.site.each_context(request),
        "title": f"{campaign.name}: review",
        "campaign": campaign,
        "here": here,
        "left": waiting(campaign).count(),
        "drawn": draw(answer) if answer is not None else None,
        "decided": decided(campaign),
    }
    if answer is not None:
        context |= _of_worker(campaign, answer)
    return TemplateResponse(request, "review/page.html", context)


def _of_worker(campaign: Campaign, answer: Assignment) -> dict[str, Any]:
    price = money.price(campaign, answer.hit)
    return {
        "pay": money.usd(price) if price else "",
        "skill": accuracy_so_far(campaign, [answer.worker_id]).get(answer.worker_id),
        "same_worker": waiting(campaign).filter(worker=answer.worker).count(),
        "flags": answer.worker.flags.filter(campaign=campaign).order_by("kind", "pk")[:5],
    }


def _decide(request: HttpRequest, campaign: Campaign, here: str) -> HttpResponse:
    form = Decision(request.POST)
    answer = Assignment.objects.filter(
        campaign=campaign, key=request.POST.get("answer", "")[:200]
    ).first()
    if not form.is_valid() or answer is None:
        return _refused(request, here, "Say what to do with which answer.")
    word, why = form.cleaned_data["decision"], form.cleaned_data["why"].strip()
    who = request.user.get_username()

    def take(answer: Assignment) -> None:
        if word.startswith("accept"):
            review.accept(answer, who, why)
        else:
            review.reject(answer, why, who)

    try:
        if word.endswith("-all"):
            done, refusals = decide_all(campaign, answer.worker, take)
            if refusals:
                return _refused(request, here, f"{done:,} decided; {refusals[0]}")
        else:
            take(answer)
    except Refused as refused:
        return _refused(request, here, str(refused))
    if _wants_json(request):
        return HttpResponse(status=204)
    return HttpResponseRedirect(here)


def _refused(request: HttpRequest, here: str, why: str) -> HttpResponse:
    text = capfirst(why)
    if _wants_json(request):
        return HttpResponse(text, status=422, content_type="text/plain; charset=utf-8")
    messages.error(request, text)
    return HttpResponseRedirect(here)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


urlpatterns = [path("campaigns/<slug:slug>/review/", review_page, name="campaign-review")]
