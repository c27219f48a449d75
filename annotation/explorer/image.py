"""An image's page, /datasets/{slug}/images/{id}/: everything known about it, in its view."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.explorer.cards import cards_of
from annotation.explorer.frame import explorer_page, framed
from annotation.explorer.view import View
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.models import Dataset, Image


@needs(VIEW, Dataset)
@require_safe
@never_cache
@explorer_page
def image_page(request: HttpRequest, dataset: Dataset, public_id: str) -> HttpResponse:
    """The page; its query is the view that one came from, and leads on in it."""
    image = get_object_or_404(Image, dataset=dataset, public_id=public_id)
    view = View.asked_for(request.user, dataset, request.GET)
    context = framed(request, dataset, "explorer-image", view) | {
        "title": image.key,
        "image": image,
        "cards": cards_of(view, [image.pk]) if view.has(image.pk) else [],
    }
    return TemplateResponse(request, "explorer/image.html", context)
