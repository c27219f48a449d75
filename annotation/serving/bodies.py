"""How large a request's body may be, decided by its route before anything of it is read.

Strangers send forms alone. Files are taken only by the routes that import, and only from people
who have logged in: everywhere else a file inside a form is passed over and never stored.
"""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

FORM = 256 * 2**10  # bytes: a HIT, a login, whatever a stranger may send
DOCUMENT = 4 * 2**20  # JSON for the API, and the forms of people who have logged in
# Pages whose forms hold files, read before their views begin, and what they ask for.
IMPORT_PAGES = {
    "import-dataset": "imagesets.change_dataset",
    "classifiers-file": "models_inference.add_classifier",
    "campaign-known-table": "tasks.change_campaign",
    "admin:models_inference_classifier_add": "models_inference.add_classifier",
    "admin:models_inference_classifier_change": "models_inference.change_classifier",
}
# The API knows who asks before it reads a body.
IMPORT_ENDPOINTS = {"api-responses"}


class BodyLimits:
    """Middleware that refuses large bodies (413) and those of unknown length (411)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """First in the list, so before the check of the CSRF token, which reads the form."""
        if "HTTP_TRANSFER_ENCODING" in request.META:  # Django would take the body for empty
            return refused(request, 411, "Say how long the body is (Content-Length).")
        assert request.resolver_match is not None
        name = request.resolver_match.view_name
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if name in IMPORT_ENDPOINTS or not length:
            return None
        if name in IMPORT_PAGES:
            # Else nothing is even read: a proxy does not buffer these.
            if not request.user.is_authenticated:
                return refused(request, 403, "Log in, then import. Nothing was stored.")
            if not request.user.has_perm(IMPORT_PAGES[name]):
                return refused(request, 403, "Your role imports nothing. Nothing was stored.")
            request.upload_handlers = [
                MemoryFileUploadHandler(request),
                TemporaryFileUploadHandler(request),
            ]
            return None
        limit = FORM
        if length > FORM and (_is_api(request) or request.user.is_authenticated):
            limit = DOCUMENT
        if length <= limit:
            return None
        from annotation.serving.error_pages import as_they_speak  # not while settings are read

        with as_they_speak(request):
            message = _(
                "What you sent is too large: {length}, where the site takes {limit}. Nothing was"
                " stored."
            ).format(length=filesizeformat(length), limit=filesizeformat(limit))
            return refused(request, 413, message)


def refused(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """A sentence for a person, or JSON for a program."""
    if _is_api(request) or request.headers.get("Accept") == "application/json":
        return JsonResponse({"detail": message}, status=status)
    return render(request, "pages/refused.html", {"message": message}, status=status)


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
