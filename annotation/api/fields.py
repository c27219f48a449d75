"""Fields that take only their own JSON type ("9" is not 9), serializers that take only theirs."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import models
from drf_spectacular.utils import OpenApiTypes, extend_schema_field
from rest_framework import serializers

from annotation.rights import RESEARCH, need, visible
from imagesets.choices import meant


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
            raise serializers.ValidationError("Must be a string.", code="invalid")
        return super().to_internal_value(data)


class StrictSlug(serializers.SlugField, StrictText):
    """A JSON string of letters, digits, hyphens and underscores."""


class StrictChoice(serializers.ChoiceField):
    """A JSON string, one of some; an error lists them."""

    default_error_messages = {"invalid_choice": "Unknown: {input}. Known: {known}.{meant}"}

    def to_internal_value(self, data: Any) -> str:
        text = StrictText(trim_whitespace=False, allow_blank=True).run_validation(data)
        if text not in self.choices:
            known, like = ", ".join(self.choices), meant(text, self.choices)
            self.fail("invalid_choice", input=text, known=known, meant=like)
        return text


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


class StrictNumber(serializers.FloatField):
    """A JSON number, kept and shown as it was written."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Must be a number.", code="invalid")
        if isinstance(data, float) and not math.isfinite(data):
            raise serializers.ValidationError("Must be a number.", code="invalid")
        return data

    def to_representation(self, value: float) -> float:  # type: ignore[override]
        return value


MONEY = re.compile(r"\d{1,10}(\.\d{1,2})?")


class Money(serializers.DecimalField):
    """A sum of money as a JSON string, "12.50": a JSON number would become a binary fraction."""

    def __init__(self, **options) -> None:
        super().__init__(max_digits=12, decimal_places=2, **options)

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not MONEY.fullmatch(data):
            raise serializers.ValidationError(
                'Must be a sum as a string, such as "12.50".', code="invalid"
            )
        return super().to_internal_value(data)

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


class Row(serializers.SlugRelatedField):
    """A row named by its slug, a JSON string; whoever names it needs the right RESEARCH on it."""

    def __init__(self, model: type[models.Model], **options: Any) -> None:
        super().__init__(slug_field="slug", queryset=model._default_manager.all(), **options)
        self.what = model._meta.verbose_name

    def get_queryset(self) -> models.QuerySet:
        rows: Any = super().get_queryset()
        request = self.context.get("request")
        return visible(request.user, rows) if request else rows

    def to_internal_value(self, data: Any) -> models.Model:
        slug = StrictText().run_validation(data)
        try:
            row = super().to_internal_value(slug)
        except serializers.ValidationError:
            slugs = self.get_queryset().values_list("slug", flat=True)
            raise serializers.ValidationError(
                f"There is no {self.what} {slug}.{meant(slug, slugs)}"
            ) from None
        if request := self.context.get("request"):
            need(request.user, RESEARCH, row)
        return row


class KnownFieldsOnly(serializers.Serializer):
    """A serializer that refuses fields which it does not have or which are read-only."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            for name in data:
                if name not in self.fields:
                    shown = str(name).encode(errors="backslashreplace").decode()
                    known = f"Unknown field. Known: {', '.join(writable)}."
                    errors[shown] = [known + meant(shown, writable)]
                elif self.fields[name].read_only:
                    errors[name] = ["Is set by the campaign itself and cannot be given."]
        if not errors:
            return super().to_internal_value(data)
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as invalid:
            if isinstance(invalid.detail, dict):
                errors = invalid.detail | errors
        raise serializers.ValidationError(errors)
