"""How API views ask for rights: a table of right by method, and the row that the address names."""

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from annotation.models import Token
from annotation.rights.rules import VIEW, Right, may, may_somewhere, refusal, row_for, visible


class ScopedTokens(TokenAuthentication):
    """knox's tokens; the user that a request comes with carries the scopes of its token."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        user, auth_token = super().authenticate_credentials(token)
        user.scopes = Token.objects.get_or_create(auth_token=auth_token)[0].scopes
        return user, auth_token


class ScopedTokensScheme(KnoxTokenScheme):
    """How they stand in OpenAPI."""

    target_class = "annotation.rights.api.ScopedTokens"


class ByRights(BasePermission):
    """Asks for the right that the view's table names: 401, 404 if invisible, 403 if not allowed.

    A view has `rights` = {"GET": VIEW, "POST": RESEARCH}. Where its address has a slug it also has
    `about`, the rows that the slug names, and finds the row as `self.row`; otherwise reading needs
    the right on anything, and writing needs it on the whole site.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method not in view.allowed_methods:
            return True  # 405 follows
        reading = request.method in SAFE_METHODS
        right = view.rights.get("GET", VIEW) if reading else view.rights[request.method]
        if view.about is not None:
            view.row = row_for(request.user, right, view.about, slug=view.kwargs["slug"])
            return True
        if not (may_somewhere if reading else may)(request.user, right):
            raise PermissionDenied(refusal(right))
        return True


class Ruled:
    """What ByRights reads of a view."""

    rights: ClassVar[dict[str, Right]]
    about: QuerySet | None = None
    row: Any

    def get_object(self) -> Model:
        return self.row


class RuledList(Ruled):
    """A list of what its reader may see."""

    def get_queryset(self) -> QuerySet:
        return visible(self.request.user, super().get_queryset())  # type: ignore[misc, attr-defined]
