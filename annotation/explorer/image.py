"""An image's page, /datasets/{slug}/images/{id}/: all that is known about it, within a view."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.drawn.picture import Drawn
from annotation.explorer.answers import responses_to
from annotation.explorer.candidates import additions_of, candidates_of, tops_of
from annotation.explorer.cards import main_votes, names_of, short
from annotation.explorer.columns import GROUPS
from annotation.explorer.experts import verdicts_on
from annotation.explorer.frame import explorer_page, framed
from annotation.explorer.history import history_of
from annotation.explorer.none_won import count_votes
from annotation.explorer.view import View
from annotation.explorer.withdrawing import images_for
from annotation.rights import OWN, RESEARCH, REVIEW, VIEW, may
from annotation.rights.pages import needs
from annotation.rights.rules import visible
from imagesets.models import Dataset, Image, Label
from tasks.models import Campaign, ImageResult

CAMPAIGNS = 100  # whose part in an image's history is told
SAME = 5  # files named


@needs(VIEW, Dataset)
@require_safe
@never_cache
@explorer_page
def image_page(request: HttpRequest, dataset: Dataset, public_id: str) -> HttpResponse:
    """The page; its query is the view that one came from, and leads on in it."""
    images = images_for(request.user, dataset).select_related("dataset_label")
    image = get_object_or_404(images, public_id=public_id)
    view = View.asked_for(request.user, dataset, request.GET)
    campaigns = list(visible(request.user, Campaign.objects.filter(dataset=dataset))[:CAMPAIGNS])
    additions = [each for each in additions_of(view) if each in campaigns]
    same = Image.objects.filter(dataset=dataset, sha256=image.sha256).exclude(pk=image.pk)
    context = framed(request, dataset, "explorer-images", view) | {
        "title": f"Image {image.key}",
        "image": image,
        "picture": Drawn.of(image),
        "group": _group(view, image),
        "candidates": candidates_of(view, image, additions),
        "tops": tops_of(image),
        "found": _found(view, image),
        "responses": _responses(view, image),
        "history": history_of(image, campaigns),
        "verdicts": verdicts_on(image, request.user, dataset),
        "may_judge": may(request.user, REVIEW, dataset) and image.withdrawn_at is None,
        "may_withdraw": may(request.user, RESEARCH if image.withdrawn_at is None else OWN, dataset),
        "query": view.query(),
        "same": list(same.order_by("key")[:SAME]),
        **_around(view, image),
    }
    return TemplateResponse(request, "explorer/image.html", context)


def _around(view: View, image: Image) -> dict[str, Any]:
    """Where the view goes on, and back to where the image stands in its list."""
    number, before, after = view.around(image.pk)
    ids = dict(
        Image.objects.filter(pk__in=[pk for pk in (before, after) if pk]).values_list(
            "pk", "public_id"
        )
    )
    query = view.query()
    here = reverse("explorer-images", args=[view.dataset.slug])

    def address(pk: int | None) -> str:
        if pk not in ids:
            return ""
        there = reverse("explorer-image", args=[view.dataset.slug, ids[pk]])
        return f"{there}?{query}" if query else there

    first = view.query(after=ids.get(before) if before else None)
    return {
        "number": number,
        "of": len(view),
        "in_study": view.has(image.pk),
        "before": address(before),
        "next": address(after),
        "back": f"{here}?{first}" if first else here,
    }


def _group(view: View, image: Image) -> str:
    place = view.places_of([image.pk]).get(image.pk)
    return "" if place is None else GROUPS[view.columns.of("group")[place]]


@dataclass(frozen=True)
class Part:
    """A label's part in an object: its share of the selections, and of the responses."""

    name: str
    share: str
    fraction: str


@dataclass(frozen=True)
class Thing:
    """An object that CLASSIFY found."""

    name: str
    votes: int
    parts: list[Part]
    is_main: bool
    is_of_dataset: bool


@dataclass(frozen=True)
class Found:
    """What CLASSIFY found in an image."""

    workers: int
    counts: str
    main: str
    things: list[Thing]
    equal_cuts: bool


def _found(view: View, image: Image) -> Found | None:
    if view.classify is None:
        return None
    result = ImageResult.objects.filter(campaign=view.classify, image=image, workers__gt=0).first()
    if result is None:
        return None
    count_votes(view.classify, [result])
    names = names_of(view, [result])
    counts = sorted((result.object_counts or {}).items(), key=lambda each: -each[1])
    return Found(
        result.workers,
        ", ".join(_counted(number, workers) for number, workers in counts),
        main_votes(result, names),
        [
            Thing(
                names.get(each["name"], each["name"]),
                each["main_votes"],
                [
                    Part(names.get(key, key), short(part["share"]), short(part["fraction"]))
                    for key, part in each["labels"].items()
                ],
                number == result.main_object,
                number == result.dataset_object,
            )
            for number, each in enumerate(result.objects_found)
        ],
        bool(result.equal_cuts),
    )


def _counted(number: str, workers: int) -> str:
    """ "7 selected 3 labels": so many workers selected so many labels."""
    if number == "0":
        return f"{workers} none of these"
    return f"{workers} selected {number} label{'' if number == '1' else 's'}"


def _responses(view: View, image: Image) -> list[dict[str, Any]]:
    if view.classify is None:
        return []
    responses = responses_to(image, view.classify)
    ids = {pk for each in responses for pk in each.selected}
    labels = Label.objects.filter(dataset=view.dataset).in_bulk(ids)

    def name(pk: int) -> str:
        return labels[pk].names[0] if pk in labels else str(pk)

    return [
        {
            "worker": each.worker,
            "address": each.address,
            "main": name(each.main) if each.main is not None else "",
            "others": [name(pk) for pk in each.selected if pk != each.main],
            "other": each.other,
            "seen": each.seen,
            "at": each.at,
            "apart": each.apart,
        }
        for each in responses
    ]
