"""The pages for errors that no view answers, and the one line that the log has of a wrong host.

Templates 403.html, 404.html and 500.html are Django's own way; this adds what they cannot know,
and the worker's language.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string
from django.views import defaults

from tasks.pages.languages import spoken

OF_WORKERS = ("/tasks/", "/hit/")  # addresses whose pages speak the worker's language


def as_they_speak(request: HttpRequest) -> AbstractContextManager[None]:
    """In whose language to answer: the worker's, where the address is one of theirs."""
    return spoken(request) if request.path_info.startswith(OF_WORKERS) else nullcontext()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; to a host name that the site does not answer to, with the setting that is missing."""
    host = request.META.get("HTTP_HOST", "") if isinstance(exception, DisallowedHost) else ""
    with as_they_speak(request):
        return HttpResponseBadRequest(render_to_string("400.html", {"host": host}))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    with as_they_speak(request):
        return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    with as_they_speak(request):
        return defaults.server_error(request)


class OneLine(logging.Formatter):
    """A record without its traceback: of what strangers can cause as often as they like."""

    def formatException(self, error: Any) -> str:
        return ""
