"""The settings of a campaign that are more than a value: images, candidates, follow_up, ..."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation.api.fields import (
    KnownFieldsOnly,
    StrictBoolean,
    StrictInteger,
    StrictShare,
    StrictText,
    some,
)
from models_inference.models import STORED

ZERO = Decimal(0)
GROUPS_ASKED = ("fu", "mis", "easy")


class PerLabel(KnownFieldsOnly):
    """So many images of each dataset label, drawn by a seed."""

    per_label = StrictInteger(min_value=1)
    seed = StrictInteger(min_value=0, max_value=2**63 - 1, default=0)


class Candidates(KnownFieldsOnly):
    """Which predictions become candidate labels."""

    classifiers = serializers.ListField(
        child=StrictText(), allow_empty=False, allow_null=True, default=None
    )
    k = StrictInteger(min_value=1, max_value=STORED, default=5)
    min_models = StrictInteger(min_value=1, default=1)

    def validate(self, data: dict) -> dict:
        names = data["classifiers"]
        if names is not None and len(set(names)) < len(names):
            raise serializers.ValidationError({"classifiers": ["Names a classifier twice."]})
        if names is not None and data["min_models"] > len(names):
            raise serializers.ValidationError(
                {"min_models": [f"{data['min_models']} of {len(names)} classifiers cannot agree."]}
            )
        return data


@extend_schema_field(Candidates)
class CandidatesField(serializers.Field):
    """Candidates, whole: also in a PATCH a subfield that is not given has its default."""

    def to_internal_value(self, data: Any) -> dict:
        return dict(Candidates().run_validation(data))

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ["all"]},
            {
                "type": "object",
                "required": ["per_label"],
                "properties": {"per_label": {"type": "integer"}, "seed": {"type": "integer"}},
                "additionalProperties": False,
            },
            {"type": "array", "items": {"type": "string"}},
        ]
    }
)
class ImagesField(serializers.Field):
    """ "all", {"per_label": n, "seed": s}, or a list of image keys."""

    def to_internal_value(self, data: Any) -> str | dict | list[str]:
        if data == "all":
            return "all"
        if isinstance(data, Mapping):
            return dict(PerLabel().run_validation(data))
        if not isinstance(data, list):
            raise serializers.ValidationError(
                'Must be "all", {"per_label": n, "seed": s} or a list of image keys.'
            )
        keys = serializers.ListField(
            child=StrictText(trim_whitespace=False), allow_empty=False
        ).run_validation(data)
        if len(set(keys)) < len(keys):
            twice = [key for key, times in Counter(keys).items() if times > 1]
            raise serializers.ValidationError(f"Names images twice: {some(twice)}.")
        return keys

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ["all"]},
            {
                "type": "object",
                "properties": {
                    group: {"type": "number", "minimum": 0, "maximum": 1} for group in GROUPS_ASKED
                },
                "additionalProperties": False,
            },
        ]
    }
)
class FollowUpField(serializers.Field):
    """ "all", or the share of each group that is asked (a group that is not named: none of it)."""

    def to_internal_value(self, data: Any) -> str | dict[str, float]:
        if data == "all":
            return "all"
        if not isinstance(data, Mapping):
            raise serializers.ValidationError('Must be "all" or {"fu": 1, "mis": 1, "easy": 0.05}.')
        errors = {}
        for group, share in data.items():
            if group not in GROUPS_ASKED:
                errors[str(group)] = [f"Unknown group. Known: {', '.join(GROUPS_ASKED)}."]
            elif isinstance(share, bool) or not isinstance(share, int | float):
                errors[group] = ["Must be a number."]
            elif not 0 <= share <= 1:
                errors[group] = ["Must be a share, from 0 to 1."]
        if errors:
            raise serializers.ValidationError(errors)
        return {group: data.get(group, 0) for group in GROUPS_ASKED}

    def to_representation(self, value: Any) -> Any:
        return value


class Controls(KnownFieldsOnly):
    """How many controls a HIT holds, where they come from, and what careful work is."""

    share = StrictShare(
        max_digits=5,
        decimal_places=4,
        min_value=ZERO,
        max_value=Decimal("0.5"),
        default=0.1,  # type: ignore[arg-type]  # as JSON holds it
    )
    campaigns = serializers.ListField(child=StrictText(), default=list)
    min_accuracy = StrictShare(
        max_digits=5,
        decimal_places=4,
        min_value=ZERO,
        max_value=Decimal(1),
        allow_null=True,
        default=None,
    )
    min_items = StrictInteger(min_value=2, max_value=100_000, default=20)

    def validate_campaigns(self, slugs: list[str]) -> list[str]:
        if len(set(slugs)) < len(slugs):
            raise serializers.ValidationError("Names a campaign twice.")
        return slugs

    def validate(self, data: dict) -> dict:
        for name in ("share", "min_accuracy"):
            data[name] = None if data[name] is None else float(data[name])
        return data


@extend_schema_field(Controls)
class ControlsField(serializers.Field):
    """Controls, whole: also in a PATCH a subfield that is not given has its default."""

    def to_internal_value(self, data: Any) -> dict:
        return dict(Controls().run_validation(data))

    def to_representation(self, value: Any) -> Any:
        return value


class Locale(KnownFieldsOnly):
    """A country, and in the US a state."""

    Country = StrictText(max_length=2)
    Subdivision = StrictText(max_length=2, required=False)


class Qualification(KnownFieldsOnly):
    """Who may take the work, in the form of MTurk's QualificationRequirement."""

    QualificationTypeId = StrictText(max_length=64)
    Comparator = serializers.ChoiceField(
        choices=[
            "LessThan",
            "LessThanOrEqualTo",
            "GreaterThan",
            "GreaterThanOrEqualTo",
            "EqualTo",
            "NotEqualTo",
            "Exists",
            "DoesNotExist",
            "In",
            "NotIn",
        ]
    )
    IntegerValues = serializers.ListField(
        child=StrictInteger(), allow_empty=False, max_length=15, required=False
    )
    LocaleValues = serializers.ListField(
        child=Locale(), allow_empty=False, max_length=30, required=False
    )
    RequiredToPreview = StrictBoolean(required=False)
    ActionsGuarded = serializers.ChoiceField(
        choices=["Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept"], required=False
    )

    def validate(self, data: dict) -> dict:
        values = [name for name in ("IntegerValues", "LocaleValues") if name in data]
        if data["Comparator"] in ("Exists", "DoesNotExist"):
            if values:
                raise serializers.ValidationError(
                    {values[0]: [f"Cannot be given with {data['Comparator']}."]}
                )
        elif len(values) != 1:
            raise serializers.ValidationError(
                {"Comparator": [f"{data['Comparator']} needs IntegerValues or LocaleValues."]}
            )
        return data


@extend_schema_field(Qualification(many=True))
class QualificationsField(serializers.Field):
    """A list of Qualification, at most 10."""

    def to_internal_value(self, data: Any) -> list[dict]:
        checked = serializers.ListField(child=Qualification(), max_length=10).run_validation(data)
        return [{key: _plain(value) for key, value in one.items()} for one in checked]

    def to_representation(self, value: Any) -> Any:
        return value


def _plain(value: Any) -> Any:
    return (
        [dict(v) if isinstance(v, Mapping) else v for v in value]
        if isinstance(value, list)
        else value
    )
