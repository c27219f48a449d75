"""What can still be changed of a published campaign, and what that will do, said first."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.serializers import ValidationError

from annotation.api.serializers import CampaignSerializer
from annotation.guided.form import MEANWHILE, StepForm, flat
from annotation.guided.steps import Step
from annotation.rights import RESEARCH, SPEND, may
from annotation.rights.pages import needs
from tasks import money
from tasks.campaigns.changing import LATER
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.models.refused import Refused

ANSWERS = (
    *("workers_per_item", "budget", "assignment_minutes", "lifetime_days", "auto_approval_days"),
)
CHANGE = Step("change", "Change it", ANSWERS, tuple(name for name in LATER if name not in ANSWERS))
MAY_NOT = "Raising its budget needs the permission spend, which you do not have."


@needs(RESEARCH, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def later(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The form; a draft is changed in its steps instead."""
    if campaign.state == State.DRAFT:
        return HttpResponseRedirect(reverse("campaign-step", args=[campaign.slug, "asked"]))
    back = reverse("campaign-progress", args=[campaign.slug])
    form = StepForm(CHANGE, campaign, request)
    seen, problem = form.seen, ""
    if request.method == "POST" and request.POST.get("seen") != seen:
        problem = MEANWHILE
    elif request.method == "POST":
        form = StepForm(CHANGE, campaign, request, request.POST)
        try:
            if form.save():
                messages.success(request, "Changed. The campaign's log keeps both values.")
                return HttpResponseRedirect(back)
        except Refused as untold:  # it was changed, but the marketplace does not know yet
            messages.warning(request, capfirst(str(untold)))
            return HttpResponseRedirect(back)
    if "workers_per_item" in form.fields:
        form.fields["workers_per_item"].widget.attrs["min"] = campaign.workers_per_item
    context = {
        **admin.site.each_context(request),
        "title": f"{campaign.name}: change it",
        "campaign": campaign,
        "form": form,
        "seen": seen,
        "problem": problem,
        "back": back,
        "closed": campaign.state == State.CLOSED,
    }
    return TemplateResponse(
        request, "guided/later.html", context, status=422 if form.errors or problem else 200
    )


@needs(RESEARCH, Campaign)
@require_POST
@never_cache
def effect(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """What the form as it stands will do, as a piece of the page; changes nothing."""
    form = StepForm(CHANGE, campaign, request, request.POST)
    context: dict[str, Any] = {}
    if campaign.state not in (State.DRAFT, State.CLOSED) and form.is_valid():
        values = form.values()
        context_of = {"request": request}
        serializer = CampaignSerializer(campaign, values, partial=True, context=context_of)
        try:
            serializer.is_valid(raise_exception=True)
            context["consequences"] = serializer.consequences()
            raised = money.raises(campaign.budget, serializer.validated_data["budget"])
            if raised and not may(request.user, SPEND, campaign):
                context["refused"] = MAY_NOT
        except ValidationError as error:
            context["refused"] = " ".join(sentence for _, sentence in flat(error.detail))
    return TemplateResponse(request, "guided/consequences.html", context)


urlpatterns = [
    path("campaigns/<slug:slug>/change/", later, name="campaign-change"),
    path("campaigns/<slug:slug>/change/effect/", effect, name="campaign-change-effect"),
]
