"""Withdrawing an image, and bringing it back: a page that asks first, .../images/{id}/withdraw/."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation.drawn.picture import Drawn
from annotation.explorer.withdrawing import bring_back, withdraw
from annotation.rights import OWN, RESEARCH, may, need
from annotation.rights.pages import needs
from imagesets.locations import read_same
from imagesets.models import Dataset, Image
from imagesets.pictures.decoding import Undecodable, open_rgb
from imagesets.pictures.derivatives import SIZES, encode
from tasks.models import Assignment
from tasks.models.assignment import AssignmentState
from tasks.work.withdrawing import campaigns_with

# A form does what its page said, or nothing: sent twice, or late, it would undo what it is for.
MEANWHILE = {
    "withdraw": "It was withdrawn after you opened this page; nothing else was done.",
    "bring_back": "It was brought back after you opened this page; nothing else was done.",
}


class Why(forms.Form):
    """The reason, for the log."""

    why = forms.CharField(max_length=2000)


@needs(RESEARCH, Dataset)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def withdrawal(request: HttpRequest, dataset: Dataset, public_id: str) -> HttpResponse:
    """What withdrawing does, and the reason; of a withdrawn image who did it, and how back."""
    image = get_object_or_404(dataset.images, public_id=public_id)
    form = Why(request.POST or None)
    step = "withdraw" if image.withdrawn_at is None else "bring_back"
    asked = request.POST.get("step", step)
    if asked != step and asked in MEANWHILE:
        messages.warning(request, MEANWHILE[asked])
        return HttpResponseRedirect(request.path)
    if request.method == "POST" and image.withdrawn_at is not None:
        need(request.user, OWN, dataset)
    if request.method == "POST" and form.is_valid():
        return _take(request, image, form.cleaned_data["why"].strip())
    context = admin.site.each_context(request) | {
        "title": f"Withdraw {image.key}" if image.withdrawn_at is None else image.key,
        "dataset": dataset,
        "image": image,
        "picture": Drawn.of(image),
        "step": step,
        "owns": may(request.user, OWN, dataset),
        "error": "Say why: it stands in the log." if form.is_bound else "",
        **_reach(image),
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "explorer/withdrawal.html", context, status=status)


def _reach(image: Image) -> dict[str, Any]:
    """The same file under other keys, campaigns that show the image, HITs that are open with it."""
    same = Image.objects.filter(dataset=image.dataset_id, sha256=image.sha256)
    open_now = Assignment.objects.filter(
        state=AssignmentState.OPEN, hit__items__image__in=same
    ).distinct()
    return {
        "others": same.exclude(pk=image.pk).order_by("key"),
        "campaigns": campaigns_with(list(same)),
        "open_now": open_now.count(),
    }


def _take(request: HttpRequest, image: Image, why: str) -> HttpResponse:
    who = request.user.get_username()
    if image.withdrawn_at is None:
        withdraw(image, who, why)
        messages.success(request, f"{image.key} is withdrawn. Results follow in the queue.")
    else:
        bring_back(image, who, why)
        messages.success(request, f"{image.key} is back. Results follow in the queue.")
    here = reverse("explorer-image", args=[image.dataset.slug, image.public_id])
    return HttpResponseRedirect(here)


@needs(OWN, Dataset)
@require_safe
@never_cache
def withdrawn_picture(request: HttpRequest, dataset: Dataset, public_id: str) -> HttpResponse:
    """A withdrawn image's picture, for whoever may bring it back; made anew, and kept nowhere."""
    image = get_object_or_404(dataset.images, public_id=public_id)
    try:
        source = read_same(image.location, image.sha256)
        content = encode(open_rgb(source, at_least=SIZES["full"][0]), "full")
    except (Undecodable, OSError):
        return HttpResponse("It cannot be read.", content_type="text/plain", status=410)
    response = HttpResponse(content, content_type="image/webp")
    response["Cache-Control"] = "no-store"
    return response
