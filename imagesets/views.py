"""Serves pictures under names that tell nothing."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from imagesets import bucket_pictures
from imagesets.derivatives import VERSION, bucket_address, made, path_of, placeholder
from imagesets.models import Image

YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, public_id: str, size: str) -> HttpResponse:
    """One derivative (`size`: "tile" or "full"): its bytes, or the way to it in the bucket."""
    if bucket_pictures.in_use():
        response = _in_bucket(public_id, size)
    else:
        response = _here(request, public_id, size)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _here(request: HttpRequest, public_id: str, size: str) -> HttpResponse:
    """Cached for ever: its content never changes."""
    # Not the content's hash: that would let a worker look the picture up in a published dataset.
    etag = f'"{public_id}-{size}-{VERSION}"'
    path = path_of(public_id, size)
    try:
        # No query and no decoding once it is made.
        content = path.read_bytes()
    except FileNotFoundError:
        if not made(get_object_or_404(Image, public_id=public_id)):
            return _broken()
        content = path.read_bytes()
    if etag in request.headers.get("If-None-Match", ""):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(content, content_type="image/webp")
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def _in_bucket(public_id: str, size: str) -> HttpResponse:
    if not made(get_object_or_404(Image, public_id=public_id)):
        return _broken()
    response = HttpResponseRedirect(bucket_address(public_id, size))
    response["Cache-Control"] = f"private, max-age={bucket_pictures.SAME}"
    return response


def _broken() -> HttpResponse:
    response = HttpResponse(placeholder(), content_type="image/webp", status=404)
    response["Cache-Control"] = "no-store"
    return response
