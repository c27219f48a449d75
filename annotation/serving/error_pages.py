"""The pages for errors that no view answers, and the one line that the log has of a wrong host.

Templates 403.html, 404.html and 500.html are Django's own way; this adds what they cannot know.
"""

import logging
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; to a host name that the site does not answer to, with the setting that is missing."""
    host = request.META.get("HTTP_HOST", "") if isinstance(exception, DisallowedHost) else ""
    return HttpResponseBadRequest(render_to_string("400.html", {"host": host}))


class OneLine(logging.Formatter):
    """A record without its traceback: of what strangers can cause as often as they like."""

    def formatException(self, error: Any) -> str:
        return ""
