"""The base of the admin's pages: rows, choices and filters that the reader's role allows."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Field, ForeignKey, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from annotation.rights import RESEARCH, VIEW, Right, allowed, may, visible

# What the filters of a declared path add to it in an address.
FILTERS = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt", "_from", "_to")


class Guarded(ModelAdmin):
    """Shows only rows that the reader may see: any other has no page (404), no row, no choice.

    What may be done to a row is asked of `user.has_perm` (annotation/rights/backend.py).
    """

    sees: Right = VIEW
    links: tuple[str, ...] = ()  # lookups by which other pages link here, besides list_filter

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return allowed(request.user, self.sees, super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """The row. Raises Http404, also for the reader who may not see it."""
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404
        return row

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """The row of a step's address. Raises Http404 like get_object."""
        return Guarded.get_object(self, request, unquote(object_id))

    def may(self, request: HttpRequest, right: Right, object_id: str) -> bool:
        """Whether the user has the right on that row. Raises Http404 if they may not see it."""
        return may(request.user, right, self.row(request, object_id))

    def _has(self, request: HttpRequest, action: str, obj: Model | None) -> bool:
        permission = f"{self.opts.app_label}.{action}_{self.opts.model_name}"
        return request.user.has_perm(permission, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has(request, "view", obj) or self._has(request, "change", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has(request, "delete", obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only declared filters: any other tells values letter by letter."""
        declared = self.get_list_filter(request) if request else self.list_filter
        paths = [path if isinstance(path, str) else path[0] for path in declared if _is_path(path)]
        return lookup in self.links or any(
            lookup == path + ending for path in paths for ending in FILTERS
        )

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Take an action on the selected rows, unless none of them is there, or can be."""
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
        try:
            lost = keys and not queryset.filter(pk__in=map(self.opts.pk.to_python, keys)).exists()
        except ValidationError:
            messages.error(request, "The form named a row that cannot be. Select the rows again.")
            return None
        if lost:
            messages.error(request, "None of these rows is there any more. Select the rows again.")
            return None
        return super().response_action(request, queryset)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address fills in, less times that cannot be read, on which it fails."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        for field in self.opts.concrete_fields:
            if isinstance(field, DateTimeField) and field.name in initial:
                try:
                    initial[field.name] = field.to_python(initial[field.name])
                except ValidationError:
                    del initial[field.name]
        return initial

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choices: the rows on which the user may do research, as the form's own row needs."""
        kwargs.setdefault(
            "queryset",
            allowed(request.user, RESEARCH, db_field.remote_field.model._default_manager.all()),
        )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _is_path(declared: Any) -> bool:
    """Whether a declared filter is one by a path, not a class with a parameter of its own."""
    return isinstance(declared, str | tuple | list)


class VisibleFilter(RelatedDropdownFilter):
    """A filter by a related row, among those that the reader may see."""

    def field_choices(
        self, field: Field, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[str, str]]:
        assert isinstance(field, ForeignKey)
        rows = visible(request.user, field.remote_field.model._default_manager.all())
        return field.get_choices(  # type: ignore[return-value]
            include_blank=False,
            ordering=self.field_admin_ordering(field, request, model_admin),
            limit_choices_to=Q(pk__in=rows.values("pk")),
        )
