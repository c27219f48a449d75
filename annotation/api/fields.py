"""Fields that take their own JSON type only ("9" is not 9), and serializers without others."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.db import models
from drf_spectacular.utils import OpenApiTypes, extend_schema_field
from rest_framework import serializers

NAMED = 5  # names that one error lists


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


@extend_schema_field(OpenApiTypes.DOUBLE)
class StrictShare(serializers.DecimalField):
    """A JSON number, kept as a Decimal of the digits written and shown as a number."""

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Must be a number.", code="invalid")
        return super().to_internal_value(repr(data))

    def to_representation(self, value: Decimal) -> float:  # type: ignore[override]
        return float(value)


MONEY = re.compile(r"\d{1,10}(\.\d{1,2})?")


class Money(serializers.DecimalField):
    """US dollars as a JSON string, "12.50": a number would be a binary fraction on the way."""

    def __init__(self, **options) -> None:
        super().__init__(max_digits=12, decimal_places=2, **options)

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not MONEY.fullmatch(data):
            raise serializers.ValidationError(
                'Must be US dollars as a text, such as "12.50".', code="invalid"
            )
        return super().to_internal_value(data)

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


class Slug(serializers.SlugRelatedField):
    """A row named by its slug; its schema is a string, and no other type is taken."""

    def __init__(self, **options) -> None:
        super().__init__(slug_field="slug", **options)

    def to_internal_value(self, data: Any) -> models.Model:
        slug = StrictText().run_validation(data)
        try:
            return super().to_internal_value(slug)
        except serializers.ValidationError:
            raise serializers.ValidationError(f"There is none named {slug}.") from None


class KnownFieldsOnly(serializers.Serializer):
    """A serializer to which a field that it does not have, or that is read only, is an error."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            for name in data:
                if name not in self.fields:
                    said = str(name).encode(errors="backslashreplace").decode()
                    errors[said] = [f"Unknown field. Known: {', '.join(writable)}."]
                elif self.fields[name].read_only:
                    errors[name] = ["Is set by the campaign itself and cannot be given."]
        if not errors:
            return super().to_internal_value(data)
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as others:
            if isinstance(others.detail, dict):
                errors = others.detail | errors
        raise serializers.ValidationError(errors)


def some(names: Iterable[str]) -> str:
    """The first few of the names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
