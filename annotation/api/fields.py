"""Fields that take a value of their own JSON type only: "9" is not 9, and 1 is not true."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers


class StrictInteger(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Must be a whole number.", code="invalid")
        return data


class StrictText(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a text.", code="invalid")
        return super().to_internal_value(data)


class StrictSlug(serializers.SlugField, StrictText):
    """A JSON string of letters, digits, hyphens and underscores."""


class StrictBoolean(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.", code="invalid")
        return data


class StrictShare(serializers.DecimalField):
    """A JSON number, kept as a Decimal of the digits written and shown as a number."""

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Must be a number.", code="invalid")
        return super().to_internal_value(repr(data))

    def to_representation(self, value: Decimal) -> float:
        return float(value)
