"""Filters lists by query parameter, and refuses parameters that a list does not have."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.serializers import ValidationError

from annotation.api.fields import StrictChoice, StrictText
from imagesets.choices import meant

PAGING = {"cursor", "page_size"}


def _check_choice(queryset: QuerySet, lookup: str, value: str) -> None:
    """Refuse a value that a column of choices never has: no row at all would look like an answer.

    Raises ValidationError naming the choices.
    """
    if "__" in lookup:
        return
    computed = queryset.query.annotations.get(lookup)
    field = computed.output_field if computed else queryset.model._meta.get_field(lookup)
    if choices := field.choices:  # type: ignore[union-attr]
        StrictChoice(choices=list(choices)).run_validation(value)


class ByParameter(BaseFilterBackend):
    """Equality by the view's `filters`: {parameter: (lookup, its description in the schema)}."""

    def filter_queryset(self, request: Any, queryset: QuerySet, view: Any) -> QuerySet:
        filters = getattr(view, "filters", {})
        errors: dict[str, Any] = {}
        for name in request.query_params:
            if name in filters:
                try:
                    value = StrictText(trim_whitespace=False, allow_blank=True).run_validation(
                        request.query_params[name]
                    )
                    _check_choice(queryset, filters[name][0], value)
                    queryset = queryset.filter(**{filters[name][0]: value})
                except ValidationError as error:
                    errors[name] = error.detail
            elif name not in PAGING:
                known = ", ".join(sorted({*filters, *PAGING}))
                errors[name] = [f"Unknown parameter. Known: {known}.{meant(name, filters)}"]
        if errors:
            raise ValidationError(errors)
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": says,
                "schema": {"type": "string"},
            }
            for name, (_, says) in getattr(view, "filters", {}).items()
        ]
