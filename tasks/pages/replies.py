"""Replies to what a worker's page sends: redirects for a form, JSON for the page's own script."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse


class SeeOther(HttpResponseRedirect):
    """Go on with a GET, whatever the method was."""

    status_code = 303


def wants_json(request: HttpRequest) -> bool:
    """Whether the request accepts JSON alone."""
    return [str(kind) for kind in request.accepted_types] == ["application/json"]


def lead_to(request: HttpRequest, address: str) -> HttpResponse:
    """Lead the worker's browser to a page of the site: 303, to a script {"next"}."""
    return JsonResponse({"next": address}) if wants_json(request) else SeeOther(address)


def preload(response: HttpResponse, pictures: Iterable[str]) -> None:
    """Let the browser, or the page's script, fetch pictures of the page to come at once."""
    links = ", ".join(f"<{address}>; rel=preload; as=image" for address in pictures)
    if links:
        response["Link"] = links


def problems_of(problems: list[tuple[str, str]]) -> HttpResponse:
    """To a script: what keeps the form from being an answer, by the id of the page's element."""
    errors = [{"item": item, "message": message} for item, message in problems]
    return JsonResponse({"errors": errors}, status=422)
