"""Makes the two sizes of each picture that pages show: uncut, without metadata, opaquely named."""

import fcntl
import functools
import io
import logging
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from PIL import Image as Pillow

from imagesets.files import hand_over, make_folder, write_whole
from imagesets.locations import read_same
from imagesets.models import Image
from imagesets.pictures import bucket
from imagesets.pictures.decoding import Undecodable, open_rgb

log = logging.getLogger(__name__)

# Longest side in pixels and WebP quality. A tile shows at some 200 CSS pixels, on screens of up to
# 1.5x; 48 of them stay under 1 MB.
SIZES = {"tile": (320, 70), "full": (1280, 82)}
WITHDRAWN = "img/withdrawn.svg"
VERSION = 1  # part of the file's name: raise it when SIZES changes


class Withdrawn(Exception):
    """The image was withdrawn: no picture of it is made for pages."""

    def __str__(self) -> str:
        return "it was withdrawn"


class Named(Protocol):
    """What the addresses of an image's pictures depend on: an Image, or a row with these."""

    @property
    def public_id(self) -> str: ...
    @property
    def pictures_in_bucket(self) -> int: ...


def image_urls(image: Named) -> tuple[str, str]:
    """Addresses of an image's tile and of its full size, for pages.

    In the bucket if the pictures are there; else on the site, which makes them when asked. Of an
    image that was withdrawn, a drawing that says so.
    """
    if getattr(image, "withdrawn_at", None) is not None:
        return static(WITHDRAWN), static(WITHDRAWN)
    if bucket.in_use() and image.pictures_in_bucket == VERSION:
        return bucket_address(image.public_id, "tile"), bucket_address(image.public_id, "full")
    return (
        _site_address("tile").format(image.public_id),
        _site_address("full").format(image.public_id),
    )


@functools.cache
def _site_address(size: str) -> str:
    """With {} for the public id; `reverse` for every picture would take half of a page's time."""
    some_id = "0" * 16
    return reverse(f"image-{size}", args=[some_id]).replace(some_id, "{}")


def name_of(public_id: str, size: str) -> str:
    """The name of an image's derivative below DATA_DIR or in the bucket, made or not."""
    # The id's bytes in hexadecimal: some file systems do not tell upper from lower case.
    name = public_id.encode().hex()
    return f"derivatives/{name[:4]}/{name}-{size}-{VERSION}.webp"


def path_of(public_id: str, size: str) -> Path:
    """Where this machine keeps a derivative; `size`: "tile" or "full"."""
    return settings.DATA_DIR / name_of(public_id, size)


def bucket_address(public_id: str, size: str) -> str:
    """Where a browser finds a derivative that is in the bucket."""
    return bucket.address(name_of(public_id, size))


def make(image: Image) -> None:
    """Make both sizes with one decode, unless they exist; in the bucket, if one is set.

    Processes that ask for the same image at once wait for the first. Raises Undecodable or OSError
    if the source is broken or gone, or no longer the picture that was imported; Withdrawn.
    """
    if image.withdrawn_at is not None:
        raise Withdrawn
    if is_made(image):
        return
    folder = path_of(image.public_id, "tile").parent
    make_folder(folder)
    with open(folder / ".lock", "a") as lock:
        hand_over(folder / ".lock")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if bucket.in_use():
            image.refresh_from_db(fields=["pictures_in_bucket"])
        if is_made(image):
            return
        source = read_same(image.location, image.sha256)
        picture = open_rgb(source, at_least=SIZES["full"][0])
        for size in SIZES:
            content = encode(picture, size)
            if bucket.in_use():
                bucket.put(name_of(image.public_id, size), content)
            else:
                write_whole(path_of(image.public_id, size), content)
        if bucket.in_use():
            image.pictures_in_bucket = VERSION
            image.save(update_fields=["pictures_in_bucket"])
    # Whoever withdraws it deletes its pictures after that: perhaps just before they were written.
    if Image.objects.filter(pk=image.pk, withdrawn_at__isnull=False).exists():
        forget(image)
        raise Withdrawn


def forget(image: Image) -> None:
    """Delete both sizes. Raises OSError if the bucket refuses it."""
    for size in SIZES:
        path_of(image.public_id, size).unlink(missing_ok=True)
    if bucket.in_use():
        for size in SIZES:
            bucket.delete(name_of(image.public_id, size))
        Image.objects.filter(pk=image.pk).update(pictures_in_bucket=0)


def is_made(image: Image) -> bool:
    """Whether both sizes exist."""
    if bucket.in_use():
        return image.pictures_in_bucket == VERSION
    return all(path_of(image.public_id, size).exists() for size in SIZES)


def made(image: Image) -> bool:
    """Make both sizes, unless they exist; where `make` raises, log the reason and return False."""
    try:
        make(image)
    except (Undecodable, OSError, Withdrawn) as error:
        log.warning("image %s (id %d) cannot be shown: %s", image.key, image.pk, error)
        return False
    return True


def encode(picture: Pillow.Image, size: str) -> bytes:
    """A picture as WebP whose longest side is at most the size's; never enlarged, never cut."""
    longest, quality = SIZES[size]
    small = picture.copy()
    small.thumbnail((longest, longest), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=quality, method=2)  # no exif, no profile: it is sRGB
    return out.getvalue()
