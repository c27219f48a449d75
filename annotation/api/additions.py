"""Drafts of campaigns that ask what a new classifier names and nobody judged."""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.utils.text import slugify
from rest_framework import serializers

from annotation.api.fields import Row, StrictText
from annotation.api.serializers import CampaignSerializer
from imagesets.labels.lint import some
from models_inference.models import Prediction
from tasks.campaigns.choosing import candidate_rows, chosen_images
from tasks.models import Campaign
from tasks.models.campaign import Kind, State
from tasks.models.campaign_settings import SETTINGS

NAMES_AN_ADDITION = {"missing_for", "of"}
OF_THE_FIRST = ("dataset", "kind", "source")


class AdditionSerializer(CampaignSerializer):
    """A CONTAINS draft of the pairs that a classifier names and nobody judged in a campaign.

    What is not given is as in that campaign. A valid draft would now ask so many `pairs`, of which
    `first_labels` are an image's first label.
    """

    pairs: int
    first_labels: int

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | {
            "missing_for": StrictText(write_only=True, help_text="The classifier's name."),
            "of": Row(Campaign, write_only=True, help_text="A CONTAINS campaign that has ended."),
        }

    def to_internal_value(self, data: Any) -> Any:
        """The settings that are given, and those of the campaign for the others."""
        given = data if isinstance(data, Mapping) else {}
        said = "Is as in the campaign that this one adds to, and cannot be given."
        if fixed := [name for name in OF_THE_FIRST if name in given]:
            raise serializers.ValidationError({name: [said] for name in fixed})
        first = _first(self._value("of", given))
        name = _named(first, self._value("missing_for", given))
        candidates = given.get("candidates") or {}
        if isinstance(candidates, Mapping):
            if "classifiers" in candidates:
                said = "Is the one that missing_for names, and cannot be given."
                raise serializers.ValidationError({"candidates": {"classifiers": [said]}})
            k = first.candidates_or_default["k"]
            candidates = {"classifiers": [name], "k": k, **candidates}
        shown = CampaignSerializer(first).data
        settings = {name: shown[name] for name in SETTINGS if name not in ("name", "slug")}
        if "name" not in given:
            settings["name"] = f"{first.name[:90]}: {name[:100]}"
            settings["slug"] = slugify(f"{first.slug}-{name}")[:100]
        return super().to_internal_value({**settings, **given, "candidates": candidates})

    def _value(self, name: str, data: Mapping[str, Any]) -> Any:
        try:
            return self.fields[name].run_validation(data.get(name, serializers.empty))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({name: error.detail}) from None

    def validate(self, data: dict) -> dict:
        name, first = data.pop("missing_for"), data.pop("of")
        data = super().validate(data) | {"adds_to": first}
        self.pairs = _count(Campaign(**data))
        if not self.pairs:
            raise serializers.ValidationError(
                {
                    "missing_for": [
                        f"Nothing is missing: in {first.slug}, or in a campaign that adds to it,"
                        f" workers judged or are asked every label that {name} names."
                    ]
                }
            )
        first_of_each = data["candidates"] | {"k": 1}
        self.first_labels = _count(Campaign(**data | {"candidates": first_of_each}))
        return data


def _first(campaign: Campaign) -> Campaign:
    """The campaign, if another can add to it."""
    wrong = ""
    if campaign.kind != Kind.CONTAINS:
        wrong = f"is of kind {campaign.kind}: it must be contains"
    elif campaign.adds_to is not None:
        wrong = f"adds to {campaign.adds_to.slug} itself: name that one"
    elif campaign.state not in (State.FINISHED, State.CLOSED):
        wrong = f"is {campaign.state}: it must be finished or closed"
    if wrong:
        raise serializers.ValidationError({"of": [f"Campaign {campaign.slug} {wrong}."]})
    return campaign


def _named(first: Campaign, name: str) -> str:
    """The name, if a classifier of the campaign's dataset that has predictions goes by it."""
    wrong = ""
    classifiers = first.dataset.classifiers.order_by("name")
    if not (named := classifiers.filter(name=name)):
        known = some(list(classifiers.values_list("name", flat=True))) or "none"
        wrong = f"Not of dataset {first.dataset.slug}: {name}. It has: {known}."
    elif not Prediction.objects.filter(classifier__in=named).exists():
        wrong = f"Classifier {name} has no predictions: import some, or have it predict."
    if wrong:
        raise serializers.ValidationError({"missing_for": [wrong]})
    return name


def _count(draft: Campaign) -> int:
    """How many pairs the draft would ask if it were published now."""
    sql, params = candidate_rows(draft, chosen_images(draft))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) candidates", params)
        return cursor.fetchone()[0]
