"""Campaigns in and out: the one validator behind `POST /api/campaigns/` and `create_campaign`."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.text import slugify
from rest_framework import serializers

from annotation.api.choices import (
    CandidatesField,
    ControlsField,
    FollowUpField,
    ImagesField,
    QualificationsField,
)
from annotation.api.fields import (
    KnownFieldsOnly,
    Money,
    Slug,
    StrictBoolean,
    StrictInteger,
    StrictShare,
    StrictSlug,
    StrictText,
    some,
)
from imagesets.models import Dataset, Image
from models_inference.models import Classifier
from tasks.campaigns.publish import DEFAULT_FOLLOW_UP
from tasks.crowds import CROWDS
from tasks.models import Campaign, Run
from tasks.models.campaign import Kind, State

MOST = Decimal("99999.99")  # US dollars, of a wage or a reward


class NothingToSay(KnownFieldsOnly):
    """The body of a step that has no options."""


class ToPublish(KnownFieldsOnly):
    """The body of publish; only a campaign that spends real money needs any of it."""

    production = StrictBoolean(required=False, default=False)
    yes_spend = Money(
        required=False, allow_null=True, default=None, help_text="The whole budget, typed."
    )


class Reason(KnownFieldsOnly):
    """The body of a step that is logged with a reason."""

    why = StrictText(required=False, allow_blank=True, default="", help_text="For the log.")


class CampaignSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    """A campaign's settings, and where it stands."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.PositiveSmallIntegerField: StrictInteger,
        models.PositiveIntegerField: StrictInteger,
        models.CharField: StrictText,
        models.TextField: StrictText,
        models.SlugField: StrictSlug,
        models.BooleanField: StrictBoolean,
        models.DecimalField: StrictShare,
    }
    slug = StrictSlug(max_length=100, required=False, help_text="Made of the name where missing.")
    dataset = Slug(queryset=Dataset.objects.all())
    kind = serializers.ChoiceField(choices=Kind.choices)
    crowd = serializers.ChoiceField(
        choices=CROWDS,
        default="local",
        error_messages={"invalid_choice": f"{{input}} is not available; {', '.join(CROWDS)} is."},
    )
    source = Slug(  # type: ignore[assignment]  # a field's name, which DRF's base also uses
        queryset=Campaign.objects.all(), allow_null=True, default=None
    )
    images = ImagesField(default="all")
    candidates = CandidatesField(allow_null=True, default=None)
    follow_up = FollowUpField(required=False)
    controls = ControlsField(required=False)
    wage = Money(max_value=MOST, required=False)
    reward = Money(max_value=MOST, allow_null=True, required=False)
    budget = Money(min_value=Decimal("0.01"), allow_null=True, required=False)
    qualifications = QualificationsField(required=False)

    class Meta:
        model = Campaign
        fields = [
            "name",
            "slug",
            "dataset",
            "kind",
            "crowd",
            "sandbox",
            "source",
            "images",
            "candidates",
            "workers_per_item",
            "round_size",
            "grid_size",
            "max_sections",
            "images_per_hit",
            "maybe",
            "controls",
            "rejection",
            "review_sample",
            "follow_up",
            "max_offered",
            "min_relative_sf",
            "min_judgments",
            "wage",
            "reward",
            "budget",
            "assignment_minutes",
            "lifetime_days",
            "auto_approval_days",
            "qualifications",
            "title",
            "description",
            "keywords",
            "instructions",
            "public_id",
            "state",
            "round",
            "target",
        ]
        read_only_fields = ["public_id", "state", "round", "target"]

    def to_representation(self, campaign: Campaign) -> dict[str, Any]:
        shown = super().to_representation(campaign)
        if shown["follow_up"] is None:
            shown["follow_up"] = DEFAULT_FOLLOW_UP
        return shown

    def validate(self, data: dict) -> dict:
        """What must hold between fields; of a changed campaign, as it would be afterwards."""
        if not self.instance and not data.get("slug"):
            data["slug"] = slugify(data["name"])[:100]
        whole = {name: getattr(self.instance, name, None) for name in self.Meta.fields} | data
        errors: dict[str, Any] = {}
        slug = whole["slug"]
        if not slug:
            errors["slug"] = ["The name makes none: give one of letters, digits and hyphens."]
        elif _others(self.instance).filter(slug=slug).exists():
            errors |= _taken(slug)
        if wrong := _wrong_source(whole):
            errors["source"] = [wrong]
        if isinstance(whole["images"], list) and (
            unknown := list(_unknown_images(whole["dataset"], whole["images"]))
        ):
            errors["images"] = [f"Not in dataset {whole['dataset'].slug}: {some(unknown)}."]
        if whole["candidates"] and (
            unknown := _unknown_classifiers(whole["dataset"], whole["candidates"])
        ):
            errors["candidates"] = {
                "classifiers": [f"Not of dataset {whole['dataset'].slug}: {some(unknown)}."]
            }
        if wrong := _wrong_controls(whole):
            errors["controls"] = {"campaigns": [wrong]}
        if errors:
            raise serializers.ValidationError(errors)
        return data

    def create(self, validated_data: dict) -> Campaign:
        try:
            with transaction.atomic():
                return super().create(validated_data)
        except IntegrityError:  # another of that slug, made since it was looked for
            raise serializers.ValidationError(_taken(validated_data["slug"])) from None

    def update(self, instance: Campaign, validated_data: dict) -> Campaign:
        """Change a draft; raises ValidationError where it is none any more."""
        with transaction.atomic():
            # Locked, so that a publish at the same moment sees all of the change or none.
            campaign = Campaign.locked(instance.pk)
            if campaign.state != State.DRAFT:
                raise serializers.ValidationError(
                    {
                        "state": [
                            f"Campaign {campaign.slug} is {campaign.state}: "
                            "only a draft can be changed."
                        ]
                    }
                )
            fixed = {"dataset", "kind", "source"} & validated_data.keys()
            if fixed and campaign.hits.exists():
                raise serializers.ValidationError(
                    {name: ["Holds answers already: this is fixed."] for name in sorted(fixed)}
                )
            return super().update(campaign, validated_data)


class RunSerializer(serializers.ModelSerializer):
    """One aggregation of a campaign."""

    campaign = serializers.CharField(source="campaign.slug", read_only=True)

    class Meta:
        model = Run
        fields = ["id", "campaign", "started_at", "seconds", "version", "settings", "counts"]
        fields += ["agreement", "convergence", "notes"]
        read_only_fields = fields


class ReviewedSerializer(serializers.Serializer):
    """What a review came to: answers, and workers stopped."""

    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    set_aside = serializers.IntegerField()
    stopped = serializers.IntegerField()


class SyncedSerializer(serializers.Serializer):
    """What a sync found and did; `busy`: another one was running, and nothing was done."""

    state = serializers.CharField()
    busy = serializers.BooleanField()
    fetched = serializers.IntegerField()
    expired = serializers.IntegerField()
    reviewed = ReviewedSerializer()
    paid = serializers.IntegerField()
    rejections_told = serializers.IntegerField()
    opened_round = serializers.IntegerField(help_text="Its number; 0: none.")
    unknown = serializers.ListField(child=serializers.CharField())
    troubles = serializers.ListField(child=serializers.CharField())
    differences = serializers.ListField(child=serializers.CharField())


def one_line(errors: Any, path: str = "") -> str:
    """DRF's nested errors as one line: `field: what; field.subfield: what; field[2]: what`."""
    if isinstance(errors, Mapping):
        return "; ".join(one_line(error, _below(path, name)) for name, error in errors.items())
    text = " ".join(str(error) for error in errors) if isinstance(errors, list) else str(errors)
    return f"{path}: {text}" if path else text


def _below(path: str, name: str | int) -> str:
    """The path of a field, or of a list's element, below another."""
    if name == "non_field_errors":
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _others(campaign: Campaign | None) -> models.QuerySet[Campaign]:
    return Campaign.objects.exclude(pk=campaign.pk) if campaign else Campaign.objects.all()


def _taken(slug: str) -> dict[str, list[str]]:
    return {"slug": [f"There is a campaign {slug} already."]}


def _wrong_source(campaign: Mapping[str, Any]) -> str | None:
    """What speaks against the campaign's source, if anything does."""
    source = campaign["source"]
    if source is None:
        return None
    if campaign["kind"] != Kind.CLASSIFY:
        return "Only a campaign of kind classify follows another."
    if source.kind != Kind.CONTAINS:
        return f"Campaign {source.slug} is of kind {source.kind}: it must be contains."
    if source.dataset_id != campaign["dataset"].pk:
        return f"Campaign {source.slug} is of another dataset: {source.dataset.slug}."
    return None


def _wrong_controls(campaign: Mapping[str, Any]) -> str | None:
    """What speaks against the earlier campaigns that controls are taken from, if anything does."""
    slugs = (campaign["controls"] or {}).get("campaigns", [])
    known = {c.slug: c for c in Campaign.objects.filter(slug__in=slugs)}
    for slug in slugs:
        if slug not in known:
            return f"There is none named {slug}."
        if known[slug].dataset_id != campaign["dataset"].pk:
            return f"Campaign {slug} is of another dataset: {known[slug].dataset.slug}."
        if slug == campaign["slug"]:
            return "A campaign cannot give controls to itself."
    return None


def _unknown_images(dataset: Dataset, keys: list[str]) -> Iterator[str]:
    """The keys that no image of the dataset has, in their order."""
    left = iter(keys)
    while chunk := list(islice(left, 10_000)):
        known = set(
            Image.objects.filter(dataset=dataset, key__in=chunk).values_list("key", flat=True)
        )
        yield from (key for key in chunk if key not in known)


def _unknown_classifiers(dataset: Dataset, candidates: Mapping[str, Any]) -> list[str]:
    """The classifiers named that the dataset does not have."""
    names = candidates["classifiers"] or []
    known = set(
        Classifier.objects.filter(dataset=dataset, name__in=names).values_list("name", flat=True)
    )
    return [name for name in names if name not in known]
