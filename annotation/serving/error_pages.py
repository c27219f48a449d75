"""The pages for errors that no view answers, and what the log says of them.

Researchers see them in their own frame, everybody else on a plain page, workers in their language.
A failure has a reference number, which stands on its page and in the log.
"""

import logging
import secrets
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string

from tasks.pages.languages import spoken

RESEARCHERS = ("/admin/", "/campaigns/", "/datasets/")
OF_WORKERS = ("/tasks/", "/hit/")  # addresses whose pages speak the worker's language
log = logging.getLogger(__name__)


def as_they_speak(request: HttpRequest) -> AbstractContextManager[None]:
    """In whose language to answer: the worker's, where the address is one of theirs."""
    return spoken(request) if request.path_info.startswith(OF_WORKERS) else nullcontext()


@dataclass(frozen=True)
class Said:
    """What an error's page says: the plain page's template, and the same for the frame."""

    status: int
    template: str
    title: str
    sentences: list[str] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; to a host name that the site does not answer to, with the setting that is missing."""
    host = request.META.get("HTTP_HOST", "") if isinstance(exception, DisallowedHost) else ""
    with as_they_speak(request):
        return HttpResponseBadRequest(render_to_string("400.html", {"host": host}))


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: what is missing, and who gives it."""
    from annotation.rights.rules import OF_A_TOKEN  # logging reads this module before any model

    reason, of_a_token, _ = str(exception).partition(OF_A_TOKEN)  # nobody reads a page by one
    reason += "." if of_a_token else ""
    sentences = [
        reason or "Your role does not include it.",
        "Nothing was changed. If you need this, ask an owner of the site or of the campaign.",
    ]
    said = Said(403, "403.html", "You may not do this", sentences, {"exception": reason})
    return _page(request, said)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nobody learns whether there is a page that they may not see."""
    sentences = [
        "The address may be mistyped, what stood here may be gone, or your role does not show it.",
        "If somebody sent you here, ask them whether you need a role for it.",
    ]
    return _page(request, Said(404, "404.html", "There is no such page", sentences))


def failure(request: HttpRequest) -> HttpResponse:
    """500, with a reference number; Django logs the error itself afterwards."""
    reference = secrets.token_hex(4)
    request.reference = reference  # type: ignore[attr-defined]
    sentences = [
        "That is not your fault. What was stored before is kept. Go back and try again in a"
        " moment.",
        f"If it happens again, tell whoever runs the site this number: {reference}. It stands in"
        " the log, with the cause.",
    ]
    said = Said(500, "500.html", "The site failed", sentences, {"reference": reference})
    return _page(request, said)


def out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without the token of its browser's session."""
    sentences = [
        "Nothing was stored. Go back, reload the page and send it again. Perhaps you have logged"
        " in or out in another tab; your browser must also accept the site's cookies."
    ]
    return _page(request, Said(403, "403_csrf.html", "This page was out of date", sentences))


def _page(request: HttpRequest, said: Said) -> HttpResponse:
    """In the researchers' frame where they see it; where that fails too, plain."""
    try:
        framed = request.path_info.startswith(RESEARCHERS) and admin.site.has_permission(request)
        if framed:
            context = admin.site.each_context(request) | {"title": said.title, "said": said}
            text = render_to_string("errors/framed.html", context, request)
            return HttpResponse(text, status=said.status)
    except Exception as error:  # no session, no database: the page says what it can
        log.warning("The frame of an error's page failed too: %s", error)
    with as_they_speak(request):
        return HttpResponse(render_to_string(said.template, said.context), status=said.status)


class OneLine(logging.Formatter):
    """A record without its traceback: of what strangers can cause as often as they like."""

    def formatException(self, error: Any) -> str:
        return ""


class WithReference(logging.Filter):
    """Adds to a failure's record the number that its page shows."""

    def filter(self, record: logging.LogRecord) -> bool:
        reference = getattr(getattr(record, "request", None), "reference", "")
        if reference and reference not in str(record.msg):
            record.msg = f"{record.msg} (reference {reference})"
        return True
