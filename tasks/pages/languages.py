"""The language of a worker's page: of their own choice, of their browser, of the campaign.

A link on the page chooses it. Addresses and forms carry that choice on as `lang`, since a frame
has no cookies; outside of frames a cookie remembers it for the next visit. Only workers' pages
speak other languages: whatever runs outside of `spoken` is English.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

if TYPE_CHECKING:
    from tasks.models import Campaign

LANG = "lang"  # in addresses and forms: the language that the worker chose
COOKIE = "lang"
A_YEAR = 365 * 24 * 3600  # seconds
_chosen: ContextVar[str] = ContextVar("chosen", default="")


class OtherLanguage(NamedTuple):
    """A language that the page may have instead, and the address where it has it."""

    code: str
    name: str
    address: str


@contextmanager
def spoken(request: HttpRequest) -> Iterator[None]:
    """Speak the worker's language, of all that the site knows; `speak` knows the campaign's.

    Reads no body: it may be too large, or never come.
    """
    token = _chosen.set("")
    try:
        with translation.override(settings.LANGUAGE_CODE, deactivate=True):
            speak(request, reads=hasattr(request, "_post"))
            yield
    finally:
        _chosen.reset(token)


def speak(request: HttpRequest, campaign: "Campaign | None" = None, reads: bool = True) -> None:
    """Go on in the worker's language, of those that the campaign offers.

    `reads`: whether it may be in the request's form.
    """
    names = dict(settings.LANGUAGES)
    offered = [code for code in (campaign.languages if campaign else names) if code in names]
    offered = offered or [settings.LANGUAGE_CODE]
    asked = request.GET.get(LANG) or (request.POST.get(LANG) if reads else None)
    _chosen.set(asked if asked and asked in offered else "")
    remembered = request.COOKIES.get(COOKIE)
    wishes = [_chosen.get(), *([remembered] if remembered in offered else [])]
    translation.activate(next(filter(None, wishes), None) or _of_browser(request, offered))
    query = f"?{urlencode(chosen())}" if _chosen.get() else ""
    request.chosen_language = query  # type: ignore[attr-defined]  # of the pages' own links
    request.other_languages = [  # type: ignore[attr-defined]  # for the pages' template
        OtherLanguage(code, names[code], f"?{urlencode({**request.GET.dict(), LANG: code})}")
        for code in offered
        if code != translation.get_language() and request.method in ("GET", "HEAD")
    ]


def _of_browser(request: HttpRequest, offered: Sequence[str]) -> str:
    """The first language that the browser asks for and the page has; else the page's first."""
    for wish, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        for code in (wish, wish.split("-")[0]):
            if code in offered:
                return code
    return offered[0]


def chosen() -> dict[str, str]:
    """What addresses and forms carry on of the worker's choice; {}: they have made none."""
    return {LANG: code} if (code := _chosen.get()) else {}


def tell(request: HttpRequest, response: HttpResponse, remember: bool) -> None:
    """Say what the response's language depends on, and let the browser remember a choice."""
    response.headers.setdefault("Content-Language", translation.get_language())
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    if remember and LANG in request.GET and (code := _chosen.get()):
        response.set_cookie(
            COOKIE, code, max_age=A_YEAR, secure=request.is_secure(), samesite="Lax", httponly=True
        )
