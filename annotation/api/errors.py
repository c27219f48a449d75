"""Errors below /api/ are JSON, whoever raises them: never an HTML page."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import status
from rest_framework.exceptions import APIException


class Conflict(APIException):
    """What was asked does not go together with the state of things."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This does not go together with the campaign's state."
    default_code = "conflict"


class JSONErrors:
    """Middleware, the outermost: turns Django's own error pages below /api/ into JSON.

    DRF answers in JSON by itself; this is for what never reaches it (an unknown address, a host
    that is not allowed, an exception). Django has logged it by then.
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
        return JsonResponse({"detail": detail}, status=response.status_code)


@csrf_exempt  # else a POST would be told of a missing cookie instead
def unknown_address(request: HttpRequest, address: str = "") -> JsonResponse:
    """404 for an address that the API does not have."""
    slash = "" if address.endswith("/") or not address else " (addresses end with a slash)"
    return JsonResponse(
        {"detail": f"No such address: {request.path_info}{slash}. All are at /api/docs/."},
        status=404,
    )
