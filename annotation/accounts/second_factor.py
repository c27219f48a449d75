"""The second factor: required of every login where the site asks for it; allauth does the rest."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from annotation.models import LoginPolicy

RESEARCHERS = ("/admin/", "/api/", "/campaigns/", "/datasets/")
ALWAYS_OPEN = ("mfa_", "account_", "logout", "jsi18n")
MISSING = "This site asks for a second factor: set one up first."


def is_required_of(request: HttpRequest) -> bool:
    """Whether the request's login lacks the second factor that the site requires.

    The environment asks for it (REQUIRE_MFA), or an owner (LoginPolicy).
    """
    user = request.user
    return (
        user.is_authenticated
        and (settings.REQUIRE_MFA or LoginPolicy.objects.filter(second_factor=True).exists())
        and not is_mfa_enabled(user)
    )


class SecondFactorRequired:
    """Until one is set up, a login leads to nothing but the pages that do so.

    Requests with an API token have no login, and pass.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        if not request.path_info.startswith(RESEARCHERS) or not is_required_of(request):
            return None
        match = request.resolver_match
        if match and (match.url_name or "").startswith(ALWAYS_OPEN):
            return None
        if request.path_info.startswith("/api/"):
            if request.headers.get("Authorization", "").lower().split()[:1] == ["token"]:
                return None  # any other scheme would leave the login to answer
            return JsonResponse({"detail": MISSING}, status=403)
        messages.warning(request, MISSING)
        return redirect("mfa_index")


def frame(request: HttpRequest) -> dict[str, Any]:
    """A context processor: the admin's frame for allauth's pages."""
    match = request.resolver_match
    ours = match and (match.url_name or "").startswith(("mfa_", "account_", "socialaccount_"))
    if not ours:
        return {}
    return admin.site.each_context(request) | {"provider_name": settings.OIDC_NAME}
