"""A picture on a researcher's page: where it lies, and how large its box is."""

from dataclasses import dataclass

from imagesets.models import Image
from imagesets.pictures.derivatives import image_urls


@dataclass(frozen=True)
class Drawn:
    """A picture, small and whole."""

    key: str
    tile: str
    full: str
    width: int
    height: int

    @classmethod
    def of(cls, image: Image) -> "Drawn":
        tile, full = image_urls(image)
        return cls(image.key, tile, full, image.width, image.height)
