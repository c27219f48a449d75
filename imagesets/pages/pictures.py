"""Serves workers' pictures under opaque names."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from imagesets.models import Image
from imagesets.pictures import bucket
from imagesets.pictures.derivatives import VERSION, bucket_address, made, path_of

YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, public_id: str, size: str) -> HttpResponse:
    """One derivative (`size`: "tile" or "full"): its bytes, or a redirect to the bucket."""
    if bucket.in_use():
        response = _in_bucket(public_id, size)
    else:
        response = _from_disk(request, public_id, size)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _from_disk(request: HttpRequest, public_id: str, size: str) -> HttpResponse:
    """The bytes; browsers may cache them for ever, as they never change."""
    # A hash of the content would let a worker look the picture up in a published dataset.
    etag = f'"{public_id}-{size}-{VERSION}"'
    path = path_of(public_id, size)
    try:
        # Once made, it needs no query and no decoding.
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
    response["Cache-Control"] = f"private, max-age={bucket.SAME}"
    return response


def _broken() -> HttpResponse:
    """No picture, so that a browser says that it did not load."""
    response = HttpResponse("This picture cannot be shown.", content_type="text/plain", status=404)
    response["Cache-Control"] = "no-store"
    return response
