"""Serves pictures under names that tell nothing."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from imagesets.derivatives import VERSION, make_or_placeholder, path_of
from imagesets.models import Image

YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, public_id: str, size: str) -> HttpResponse:
    """One derivative (`size`: "tile" or "full"), cached for ever: its content never changes."""
    # Not the content's hash: that would let a worker look the picture up in a published dataset.
    etag = f'"{public_id}-{size}-{VERSION}"'
    made = path_of(public_id, size)
    try:
        # No query and no decoding once it is made.
        content, whole = made.read_bytes(), True
    except FileNotFoundError:
        image = get_object_or_404(Image, public_id=public_id)
        content, whole = make_or_placeholder(image, size)
    if whole and etag in request.headers.get("If-None-Match", ""):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(content, content_type="image/webp", status=200 if whole else 404)
    if whole:
        response["ETag"] = etag
        response["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    else:
        response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
