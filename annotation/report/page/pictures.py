"""Pictures of the galleries: small ones within the page, or where the site serves them."""

import base64
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image as Pillow

from annotation.report.page.galleries import Example, Gallery
from imagesets.locations import read_same
from imagesets.models import Image
from imagesets.pictures.decoding import Undecodable, open_rgb
from imagesets.pictures.derivatives import image_urls, path_of

log = logging.getLogger(__name__)

LONGEST, QUALITY = 144, 55  # pixels, of WebP
MOST_BYTES = 900_000  # of all pictures within a page, as text


@dataclass(frozen=True)
class Picture:
    """A picture as the page shows it; its size in pixels reserves its box. address: of the image's
    own page, or "" where the report stands alone."""

    source: str
    width: int
    height: int
    alt: str
    lines: tuple[str, ...]
    address: str = ""


@dataclass(frozen=True)
class Pictures:
    """A gallery ready to be shown. left_out: why pictures are missing, in a sentence or ""."""

    title: str
    pictures: list[Picture]
    left_out: str


class Embedding:
    """Makes sources of pictures that hold the pictures themselves, up to a number of bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.left = most_bytes

    def __call__(self, image: Image) -> str:
        """A data URI. Raises Undecodable or OSError if it cannot be read, or would be too much."""
        source = f"data:image/webp;base64,{base64.b64encode(_small(image)).decode()}"
        if len(source) > self.left:
            raise OSError("the page would become too large")
        self.left -= len(source)
        return source


def on_site(image: Image) -> str:
    """The address at which the site shows it."""
    return image_urls(image)[0]


def no_page(image: Image) -> str:
    """The address of an image's own page in a report that stands alone: it has none."""
    return ""


def pictures_of(
    gallery: Gallery,
    source_of: Callable[[Image], str],
    page_of: Callable[[Image], str] = no_page,
) -> Pictures:
    """The gallery's pictures; those that cannot be read are left out, and counted."""
    shown, missing = [], 0
    for example in gallery.examples:
        try:
            shown.append(_picture(example, source_of, page_of))
        except (Undecodable, OSError) as error:
            log.warning("image %s is not in the report's page: %s", example.image.key, error)
            missing += 1
    left_out = f"Left out: {missing} that could not be read or were too much." if missing else ""
    return Pictures(gallery.title, shown, left_out)


def _picture(
    example: Example, source_of: Callable[[Image], str], page_of: Callable[[Image], str]
) -> Picture:
    image = example.image
    scale = min(1.0, LONGEST / max(image.width, image.height))
    width, height = (max(1, round(scale * side)) for side in (image.width, image.height))
    return Picture(source_of(image), width, height, image.key, example.lines, page_of(image))


def _small(image: Image) -> bytes:
    """The picture as WebP, from the tile that the site has made, or from its source."""
    tile = path_of(image.public_id, "tile")
    if tile.exists():
        picture = open_rgb(tile)
    else:
        picture = open_rgb(read_same(image.location, image.sha256), at_least=LONGEST)
    picture.thumbnail((LONGEST, LONGEST), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
