"""Small pictures for tests, drawn on the spot."""

import io
import random

from PIL import Image


def noise(seed: int, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    """A picture that looks like no other: coarse random blocks."""
    rng = random.Random(seed)
    small = Image.frombytes("RGB", (8, 8), rng.randbytes(192))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(picture: Image.Image, format: str = "JPEG", **options) -> bytes:
    """A picture's bytes in a file format."""
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def jpeg(seed: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A small JPEG that looks like no other."""
    return encoded(noise(seed, size), quality=90)
