"""The two sizes of each picture that pages show: whole, without metadata, under opaque names."""

import fcntl
import functools
import io
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from PIL import Image as Pillow
from PIL import ImageDraw

from imagesets.files import write_whole
from imagesets.models import Image
from imagesets.pixels import Undecodable, open_rgb

# Longest side in pixels and WebP quality. A tile is some 200 CSS pixels on a screen of 1.5x;
# 48 of them stay under 1 MB.
SIZES = {"tile": (320, 70), "full": (1280, 82)}
VERSION = 1  # part of the file's name: raise it when SIZES change


def image_urls(image: Image) -> tuple[str, str]:
    """Addresses of an image's tile and of its full size, for pages."""
    return (
        reverse("image-tile", args=[image.public_id]),
        reverse("image-full", args=[image.public_id]),
    )


def path_of(public_id: str, size: str) -> Path:
    """Where the derivative of an image is kept, made or not; `size`: "tile" or "full"."""
    # The name carries the id whole: names that differ by case alone stay apart only where the
    # file system tells case apart, so the folder is the id's bytes in hexadecimal.
    folder = settings.DATA_DIR / "derivatives" / public_id.encode()[:2].hex()
    return folder / f"{public_id.encode().hex()}-{size}-{VERSION}.webp"


def make(image: Image) -> None:
    """Make both sizes with one decode, unless they are there.

    Processes that ask for the same image at once wait for the first. Raises
    imagesets.pixels.Undecodable or OSError where the source is broken or gone.
    """
    paths = {size: path_of(image.public_id, size) for size in SIZES}
    if all(path.exists() for path in paths.values()):
        return
    folder = paths["tile"].parent
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all(path.exists() for path in paths.values()):
            return
        picture = open_rgb(image.location, at_least=SIZES["full"][0])
        for size, path in paths.items():
            write_whole(path, encode(picture, size))


def make_or_placeholder(image: Image, size: str) -> tuple[bytes, bool]:
    """The derivative's bytes and True; or a neutral placeholder and False for a broken source."""
    try:
        make(image)
        return path_of(image.public_id, size).read_bytes(), True
    except (Undecodable, OSError):
        return placeholder(), False


def encode(picture: Pillow.Image, size: str) -> bytes:
    """A picture as WebP whose longest side is at most the size's; never enlarged, never cut."""
    longest, quality = SIZES[size]
    small = picture.copy()
    small.thumbnail((longest, longest), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=quality, method=2)  # no exif, no profile: it is sRGB
    return out.getvalue()


@functools.cache
def placeholder() -> bytes:
    """A grey square with a broken frame: says that there is no picture, and nothing else."""
    square = Pillow.new("RGB", (320, 320), (232, 232, 232))
    draw = ImageDraw.Draw(square)
    draw.rectangle((110, 120, 210, 200), outline=(140, 140, 140), width=4)
    draw.line((100, 210, 220, 110), fill=(140, 140, 140), width=4)
    out = io.BytesIO()
    square.save(out, "WEBP", lossless=True)
    return out.getvalue()
