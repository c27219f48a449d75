"""What can still be changed of a published campaign: its texts; each change stands in its log."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.guided.form import StepForm
from annotation.guided.steps import Step
from annotation.rights import RESEARCH
from annotation.rights.pages import needs
from tasks.campaigns.changing import LATER
from tasks.models import Campaign
from tasks.models.campaign import State

TEXTS = Step("texts", "Texts", LATER)
EFFECTS = {
    "consent": "Whoever agreed to another text is asked again before their next HIT.",
    "instructions": "Workers who have a HIT open read the new text when they load it again.",
}


@needs(RESEARCH, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def later(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The form; a draft is changed in its steps instead."""
    if campaign.state == State.DRAFT:
        return HttpResponseRedirect(reverse("campaign-step", args=[campaign.slug, "asked"]))
    back = reverse("campaign-progress", args=[campaign.slug])
    form = StepForm(TEXTS, campaign, request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.save():
        messages.success(request, "Changed. The campaign's log keeps both texts.")
        return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": f"{campaign.name}: texts",
        "campaign": campaign,
        "form": form,
        "back": back,
        "effects": EFFECTS.values(),
        "closed": campaign.state == State.CLOSED,
    }
    return TemplateResponse(
        request, "guided/later.html", context, status=422 if form.errors else 200
    )


urlpatterns = [path("campaigns/<slug:slug>/texts/", later, name="campaign-texts")]
