"""Lists by cursor: `results` and `next`, the same cost on every page."""

from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class Cursor(CursorPagination):
    """Pages in the order of one unique column, a view's `ordering`; `page_size` up to 1,000."""

    ordering = "id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    cursor_query_description = "Where the page begins; follow `next` instead of making it."

    def get_ordering(self, request, queryset, view):
        return (getattr(view, "ordering", self.ordering),)

    def get_page_size(self, request):
        asked = request.query_params.get(self.page_size_query_param, self.page_size)
        try:
            wanted = serializers.IntegerField(min_value=1).run_validation(asked)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({self.page_size_query_param: error.detail}) from None
        return min(wanted, self.max_page_size)

    def paginate_queryset(self, queryset, request, view=None):
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError):
            # A cursor made by hand, whose position is no value of the column.
            raise NotFound(self.invalid_cursor_message) from None

    def get_paginated_response(self, data):
        return Response({"next": self.get_next_link(), "results": data})

    def get_paginated_response_schema(self, schema):
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {"type": "string", "format": "uri", "nullable": True},
                "results": schema,
            },
        }
