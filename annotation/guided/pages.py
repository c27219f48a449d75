"""The pages of a campaign in steps: /campaigns/new/ and /campaigns/{slug}/steps/{step}/."""

import hashlib
import json
from typing import Any

from csp.decorators import csp
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from rest_framework.serializers import ValidationError

from annotation.api.serializers import CampaignSerializer
from annotation.guided import beginning, known
from annotation.guided.effect import MOST_IMAGES, Effect, effect_of, is_quick, pictures_of
from annotation.guided.form import MEANWHILE, StepForm, filled, flat, options_for, store
from annotation.guided.inputs import listed
from annotation.guided.previews import BEFORE_LAYOUT, OF_LAYOUT, PAGES
from annotation.guided.publishing import AskBudget, publish_for
from annotation.guided.steps import BY_NAME, PUBLISHED, STEPS, Step, before_and_after
from annotation.path.findings import findings_of
from annotation.rights import RESEARCH, SPEND, allowed, may, may_somewhere
from annotation.rights.pages import needs
from annotation.rights.rules import refusal, row_for
from imagesets.models import Dataset
from tasks.campaigns.publish import NotYetTold, as_changed, missing_of, on_trial
from tasks.crowds import CrowdError, crowd_of, is_production
from tasks.models import Campaign
from tasks.models.campaign import Kind, State
from tasks.models.campaign_settings import SETTINGS
from tasks.models.refused import Refused
from tasks.pages.hit_pages import refuse
from tasks.pages.languages import speak, spoken

FRAMED_HERE = {**settings.WORKER_PAGE_CSP, "frame-ancestors": ["'self'"]}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Begin a draft: `?dataset=`, `?source=` (a follow-up) or `?copy=`; without, choose.

    A POST makes it: `of` (a dataset), `source` or `copy`, a slug each. With the first two, `images`
    may list keys (one a line, or a JSON list): only those are asked.
    """
    given = request.POST if request.method == "POST" else request.GET
    datasets = allowed(request.user, RESEARCH, Dataset.objects.order_by("-created_at"))
    if not may_somewhere(request.user, RESEARCH):
        raise PermissionDenied(refusal(RESEARCH))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "New campaign",
        "copied": given.get("copy", ""),
        "datasets": datasets.filter(images__isnull=False).distinct(),
        "sources": _sources(request),
    }
    if slug := given.get("dataset"):
        context["datasets"] = context["datasets"].filter(slug=slug)
        context["sources"] = context["sources"].filter(dataset__slug=slug)
    if slug := given.get("source"):
        context |= {"datasets": datasets.none(), "sources": context["sources"].filter(slug=slug)}
    if request.method == "POST":
        try:
            draft = _begun(request)
        except ValidationError as error:
            context["problem"] = " ".join(sentence for _, sentence in flat(error.detail))
        else:
            return HttpResponseRedirect(_address(draft, STEPS[0]))
    return TemplateResponse(
        request, "guided/new.html", context, status=422 if "problem" in context else 200
    )


def _sources(request: HttpRequest) -> Any:
    ended = Campaign.objects.filter(
        kind=Kind.CONTAINS, adds_to=None, state__in=[State.FINISHED, State.CLOSED]
    )
    return allowed(request.user, RESEARCH, ended).select_related("dataset")


def _begun(request: HttpRequest) -> Campaign:
    """The draft that the POST asks for."""
    given = request.POST
    campaigns = Campaign.objects.select_related("dataset", "source")
    images = listed(given["images"]) if "images" in given else "all"
    if slug := given.get("source"):
        source = row_for(request.user, RESEARCH, campaigns, slug=slug)
        return beginning.follow(source, request, images)
    if slug := given.get("copy"):
        return beginning.copy(row_for(request.user, RESEARCH, campaigns, slug=slug), request)
    dataset = row_for(request.user, RESEARCH, Dataset.objects.all(), slug=given.get("of", ""))
    return beginning.begin(dataset, request, images)


def _address(draft: Campaign, step: Step) -> str:
    return reverse("campaign-step", args=[draft.slug, step.name])


@needs(RESEARCH, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def step_page(request: HttpRequest, campaign: Campaign, step: str) -> HttpResponse:
    """A step of a draft; a POST stores it and leads to the next."""
    if step not in BY_NAME:
        raise Http404
    if campaign.state != State.DRAFT:
        return HttpResponseRedirect(reverse("campaign-progress", args=[campaign.slug]))
    here = BY_NAME[step]
    if here is STEPS[-1]:
        return _publish(request, campaign)
    crowd = campaign.crowd
    data: QueryDict | None = request.POST if request.method == "POST" else None
    ready = crowd_of(campaign).ready if here.name == "crowd" else {}
    chosen = ready.get(request.POST.get("fill", ""))
    if data is not None and chosen is not None:  # shown, and stored when it is sent
        data = filled(data, chosen.settings, options_for(campaign, request.user))
    form, problem = StepForm(here, campaign, request, data), ""
    seen = form.seen
    if data is not None and data.get("seen", seen) != seen and not _is_stored(form, seen):
        form, problem = StepForm(here, campaign, request), MEANWHILE
    elif data is not None and chosen is None and form.save():
        if campaign.crowd != crowd:  # another crowd has other settings
            return HttpResponseRedirect(request.path)
        _, after = before_and_after(here)
        assert after is not None
        return HttpResponseRedirect(_address(campaign, after))
    context = _frame(request, campaign, here) | {"form": form, "worker_pages": PAGES}
    context |= {"ready": ready, "chosen": chosen, "seen": seen, "problem": problem}
    if not context["quick"]:
        context["pictures"] = pictures_of(campaign)
        context["table"] = known.Table()
    elif here.name == "quality":
        context |= known.context_of(campaign)
    if context["quick"] and request.method != "POST":
        context |= {"effect": effect_of(campaign), "step": step}
    return TemplateResponse(
        request, "guided/step.html", context, status=422 if form.errors or problem else 200
    )


@transaction.atomic
def _is_stored(form: StepForm, seen: str) -> bool:
    """Whether the form says what the draft holds already, as one does that was sent twice."""
    same = form.save() and StepForm(form.step, form.draft, form.request).seen == seen
    if not same:
        transaction.set_rollback(True)
    return same


def _frame(request: HttpRequest, campaign: Campaign, here: Step) -> dict[str, Any]:
    before, after = before_and_after(here)
    place = STEPS.index(here)
    return {
        **admin.site.each_context(request),
        "title": f"{campaign.name}: {here.title.lower()}",
        "campaign": campaign,
        "here": here,
        "steps": [
            (step, _address(campaign, step), "done" if number < place else "later")
            for number, step in enumerate(STEPS)
        ],
        "before": before and _address(campaign, before),
        "after": after,
        "as_json": _as_json(campaign, request),
        "quick": is_quick(campaign),
        "most_images": MOST_IMAGES,
    }


def _as_json(campaign: Campaign, request: HttpRequest) -> str:
    """What `POST /api/campaigns/` would take to make the same draft: what is not a default."""
    shown = CampaignSerializer(campaign, context={"request": request}).data
    given = {
        name: shown[name]
        for name, setting in SETTINGS.items()
        if shown[name] != json.loads(json.dumps(setting.default, default=str))
    }
    return json.dumps(given, indent=2, ensure_ascii=False, default=str)


@needs(RESEARCH, Campaign)
@require_POST
@never_cache
def effect(request: HttpRequest, campaign: Campaign, step: str) -> HttpResponse:
    """What the draft would ask and cost with the form as it stands, as a piece of the page."""
    if step not in BY_NAME:
        raise Http404
    if campaign.state != State.DRAFT:
        return HttpResponse(PUBLISHED, status=409, content_type="text/plain")
    form = StepForm(BY_NAME[step], campaign, request, request.POST)
    if not form.is_valid():
        return TemplateResponse(request, "guided/effect.html", {"effect": Effect()})
    values = form.values()
    try:
        shown = effect_of(campaign, lambda draft: store(draft, values, request))
    except ValidationError as error:
        shown = Effect(refused=" ".join(sentence for _, sentence in flat(error.detail)))
    except PermissionDenied:
        shown = Effect(refused="Raising the budget needs the permission spend.")
    return TemplateResponse(request, "guided/effect.html", {"effect": shown, "step": step})


@needs(RESEARCH, Campaign)
@require_http_methods(["GET", "POST"])
@never_cache
@xframe_options_sameorigin
@csp(FRAMED_HERE)  # type: ignore[arg-type]  # its stub knows no further arguments
def worker_view(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """A page of the draft as workers would see it, with the form of the step as it stands.

    ?page= begin, consent, practice or hit (the default).
    """
    if campaign.state != State.DRAFT:
        return refuse(request, 409, PUBLISHED)
    if (page := request.GET.get("page", "hit")) not in PAGES:
        raise Http404
    values: dict[str, Any] = {}
    if request.method == "POST":
        form = StepForm(BY_NAME["page"], campaign, request, request.POST)
        if form.is_valid():
            values = form.values()

    def change(draft: Campaign) -> None:
        store(draft, values, request)

    try:
        if page in OF_LAYOUT:
            try:
                with on_trial(campaign, change, complete=False) as (_, laid_out), spoken(request):
                    speak(request, laid_out)
                    return OF_LAYOUT[page](request, laid_out)
            except Refused:
                if page not in BEFORE_LAYOUT:
                    raise
        with as_changed(campaign, change) as draft, spoken(request):
            speak(request, draft)
            return BEFORE_LAYOUT[page](request, draft)
    except ValidationError as error:
        return refuse(request, 422, " ".join(sentence for _, sentence in flat(error.detail)))
    except Refused as refused:
        return refuse(request, 409, str(refused))


def _publish(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The last step: what will be asked, what may be wrong with it, and the button."""
    real = is_production(campaign)
    may_publish = not real or may(request.user, SPEND, campaign)
    form = AskBudget(request.POST if request.method == "POST" and real else None)
    frame = _frame(request, campaign, STEPS[-1])
    seen, problem = hashlib.sha256(frame["as_json"].encode()).hexdigest()[:16], ""
    if request.POST.get("seen", seen) != seen:
        problem = MEANWHILE
    elif request.method == "POST" and may_publish and (not real or form.is_valid()):
        budget = form.cleaned_data["budget"] if real else None
        try:
            messages.success(request, publish_for(request, campaign, budget))
            return HttpResponseRedirect(reverse("campaign-progress", args=[campaign.slug]))
        except NotYetTold as warning:
            messages.warning(request, capfirst(str(warning)))
            return HttpResponseRedirect(reverse("campaign-progress", args=[campaign.slug]))
        except Refused as refused:
            problem = capfirst(str(refused))
    context = frame | {
        "findings": findings_of(campaign),
        "seen": seen,
        "real": real,
        "may_publish": may_publish,
        "form": form,
        "problem": problem,
        "missing": [clause.partition(" (run: ")[0] for clause in missing_of(campaign)],
    }
    if context["quick"]:
        context["effect"] = effect_of(campaign)
    return TemplateResponse(
        request, "guided/publish.html", context, status=422 if request.method == "POST" else 200
    )


@needs(RESEARCH, Campaign)
@require_GET
@never_cache
def audience(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Who may take part, as the draft's marketplace says: a piece of the page "publish"."""
    told, refused = "", ""
    if campaign.state == State.DRAFT and not crowd_of(campaign).missing(campaign):
        try:
            told = crowd_of(campaign).audience(campaign)
        except CrowdError as error:
            refused = str(error)
    context = {"told": told, "refused": refused}
    return TemplateResponse(request, "guided/audience.html", context)


urlpatterns = [
    path("campaigns/new/", new, name="campaign-new"),
    path("campaigns/<slug:slug>/steps/audience/", audience, name="campaign-audience"),
    path("campaigns/<slug:slug>/steps/preview/", worker_view, name="campaign-preview"),
    *known.urlpatterns,
    path("campaigns/<slug:slug>/steps/<slug:step>/", step_page, name="campaign-step"),
    path("campaigns/<slug:slug>/steps/<slug:step>/effect/", effect, name="campaign-effect"),
]
