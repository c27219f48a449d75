"""Compresses what the site serves to everybody alike: scripts, styles, drawings.

Pages are compressed one by one where they are rendered, and only those that an attacker cannot
make somebody else's browser fetch, secrets and all, beside text of the attacker's choice: the
lengths of compressed answers would give the secrets away (the attack called BREACH).
"""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXT = ("text/", "image/svg+xml", "application/json")


class CompressedStatic(GZipMiddleware):
    """Middleware that compresses text below STATIC_URL; stands before what serves it."""

    max_random_bytes = 0  # nothing here is secret, so its length may be known

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Leave alone all other addresses, and answers without a whole file."""
        kind = response.headers.get("Content-Type", "")
        if (
            request.path_info.startswith(settings.STATIC_URL)
            and response.status_code == 200
            and kind.startswith(TEXT)
        ):
            return super().process_response(request, response)
        return response
