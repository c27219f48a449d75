"""A new draft: of a dataset, as a follow-up of a finished campaign, or as a copy of another."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.text import slugify

from annotation.api.serializers import CampaignSerializer
from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.models.campaign_settings import SETTINGS

NOT_COPIED = {"slug", "name", "dataset", "source"}
# What a follow-up takes over from its source: who works, for what, and what they read first.
FOLLOWED = ("crowd", "sandbox", "open", "wage", "contact", "content_warning", "consent")

Images = list[str] | str  # keys, or "all"


def begin(dataset: Dataset, request: HttpRequest, images: Images = "all") -> Campaign:
    """A CONTAINS draft of all images or of those listed, with the defaults."""
    values = {
        "dataset": dataset.slug,
        "kind": Kind.CONTAINS.value,
        "name": f"{dataset.name}: which contain X?",
        "images": images,
    }
    return _create(values, request)


def follow(source: Campaign, request: HttpRequest, images: Images = "all") -> Campaign:
    """A CLASSIFY draft that follows a CONTAINS campaign, of all its images or of those listed."""
    shown = CampaignSerializer(source, context={"request": request}).data
    values = {name: shown[name] for name in FOLLOWED}
    values |= {
        "dataset": source.dataset.slug,
        "kind": Kind.CLASSIFY.value,
        "source": source.slug,
        "name": f"{source.dataset.name}: which objects?",
        "images": images,
    }
    return _create(values, request)


def copy(campaign: Campaign, request: HttpRequest) -> Campaign:
    """A draft with the settings of another campaign."""
    shown = CampaignSerializer(campaign, context={"request": request}).data
    values = {name: shown[name] for name in SETTINGS if name not in NOT_COPIED}
    values |= {
        "dataset": campaign.dataset.slug,
        "name": f"{campaign.name} (copy)",
        "source": campaign.source.slug if campaign.source else None,
    }
    return _create(values, request)


def _create(values: Mapping[str, Any], request: HttpRequest) -> Campaign:
    name = free_name(values["name"])
    data = {**values, "name": name, "slug": free_slug(name)}
    serializer = CampaignSerializer(data=data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return serializer.save()


def free_name(name: str) -> str:
    """The name, with a number where a campaign has it: lists tell campaigns apart by it."""
    taken = set(Campaign.objects.filter(name__startswith=name).values_list("name", flat=True))
    return next(
        free
        for number in range(1, len(taken) + 2)
        if (free := name if number == 1 else f"{name} ({number})") not in taken
    )


def free_slug(name: str) -> str:
    """A slug made from a name that no campaign has."""
    stem = slugify(name)[:90] or "campaign"
    taken = set(Campaign.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    taken.add("new")
    return next(
        slug
        for number in range(1, len(taken) + 2)
        if (slug := stem if number == 1 else f"{stem}-{number}") not in taken
    )
