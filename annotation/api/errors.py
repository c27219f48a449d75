"""Makes every error below /api/ JSON, whoever raises it: never an HTML page."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, UnsupportedMediaType
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Conflict(APIException):
    """The request conflicts with the present state."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The campaign's state does not allow this."
    default_code = "conflict"


def with_what_is_taken(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler of errors, which also says what an endpoint takes instead (415)."""
    if isinstance(error, UnsupportedMediaType):
        taken = " or ".join(parser.media_type for parser in context["view"].get_parsers())
        error.detail = ErrorDetail(
            f"{error.detail} Send the header Content-Type: {taken}.", error.default_code
        )
    return exception_handler(error, context)


class JSONErrors:
    """The outermost middleware: turns Django's own error pages below /api/ into JSON.

    DRF itself answers in JSON; this is for errors that never reach it (an unknown address, a host
    that is not allowed, an exception). Django has logged them by then.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or not request.path_info.startswith("/api/")
            or not response.headers.get("Content-Type", "").startswith("text/html")
        ):
            return response
        detail = HTTPStatus(response.status_code).phrase + "."
        if reference := getattr(request, "reference", ""):  # of a failure, as in the log
            detail += f" If it happens again, tell whoever runs the site: {reference}."
        return JsonResponse({"detail": detail}, status=response.status_code)


@csrf_exempt  # else a POST would get an error about a missing cookie
def unknown_address(request: HttpRequest, address: str = "") -> JsonResponse:
    """404 for an address that the API does not have."""
    slash = "" if address.endswith("/") or not address else " (addresses end with a slash)"
    return JsonResponse(
        {"detail": f"No such address: {request.path_info}{slash}. All are at /api/docs/."},
        status=404,
    )
