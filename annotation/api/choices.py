"""The settings of a campaign that are more than a value: images, candidates, follow_up."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation.api.fields import KnownFieldsOnly, StrictInteger, StrictText, some
from models_inference.models import STORED

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
