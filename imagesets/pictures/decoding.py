"""Decodes a picture of any format to upright 8-bit sRGB, which classifiers and workers both see."""

import functools
import io
import os
import warnings
import zlib
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from imagesets.locations import read

# A picture with more pixels is taken for a decompression bomb (cameras of 36 Mpx are far below).
MAX_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pillow only warns between its limit and twice that, where _decode refuses; and of odd metadata.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Pillow also opens documents (by running Ghostscript on them), film and tables of numbers.
NO_PICTURES = {"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "PDF", "WMF"}
COMMON = {"JPEG", "PNG", "WEBP"}  # tried first
# People take these for pictures, so an import must say that it cannot read them.
UNREADABLE = frozenset((".svg", ".heic", ".heif", ".jxl", ".arw", ".cr2", ".cr3", ".dng", ".nef"))

PNG = b"\x89PNG\r\n\x1a\n"
PNG_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
# By EXIF orientation; 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTERS = {TURNS[orientation] for orientation in (5, 6, 7, 8)}


class Undecodable(ValueError):
    """The bytes are not a picture that can be shown; the message gives the reason."""


def open_rgb(source: str | os.PathLike | bytes, at_least: int | None = None) -> Image.Image:
    """One picture as mode "RGB": upright, 8 bits, sRGB, transparency on white, first frame.

    `source`: a file's path, an s3:// address, or the file's bytes. `at_least`: pixels that each
    side must keep (None: full size). To save time and memory a JPEG is then decoded at the smallest
    of its scales (1/2, 1/4, 1/8) that keeps them, and others are reduced by a whole number.
    Raises Undecodable for bytes that are not a whole picture, or one too large, and OSError if they
    cannot be read.
    """
    return _decode(_bytes(source), at_least)[0]


class Look(NamedTuple):
    """What an import needs of a picture, and what was assumed to show it (see SEVERAL, DARK)."""

    width: int  # pixels, upright
    height: int
    small: Image.Image
    assumed: str


SEVERAL = "hold several pictures or are animated: the first one counts"
DARK = "are grey with 9 to 15 bits in a file for 16: they are shown brighter, to their own range"


def check(source: bytes) -> Look:
    """A picture that decodes to its end.

    The small version is for hashing: RGB, at least 64 pixels on a side where the picture has
    them. Decoding a JPEG at 1/8 scale still reads every coded block, so truncated files are found.
    Raises Undecodable.
    """
    picture, (width, height) = _decode(source, 64)
    return Look(width, height, picture, picture.info.get("assumed", ""))


@functools.cache
def picture_endings() -> frozenset[str]:
    """File endings (with dot, in lower case) that mean a picture, readable or not."""
    readable = _formats()
    extensions = Image.registered_extensions()
    return UNREADABLE.union(ending for ending in extensions if extensions[ending] in readable)


@functools.cache
def _formats() -> list[str]:
    """The formats that are read, in the order of trying; none runs another program."""
    Image.init()
    readable = [format for format in Image.OPEN if format not in NO_PICTURES]
    return sorted(readable, key=lambda format: format not in COMMON)


def _bytes(source: str | os.PathLike | bytes) -> bytes:
    return source if isinstance(source, bytes) else read(os.fspath(source))


def _decode(content: bytes, at_least: int | None) -> tuple[Image.Image, tuple[int, int]]:
    if not content:
        raise Undecodable("the file is empty")
    try:
        return _decode_once(content, at_least)
    except Undecodable:
        without = _without_metadata(content)
        if without == content:
            raise
        return _decode_once(without, at_least)


def _decode_once(content: bytes, at_least: int | None) -> tuple[Image.Image, tuple[int, int]]:
    try:
        picture = Image.open(io.BytesIO(content), formats=_formats())
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise Image.DecompressionBombError
        turn = _turn(picture)
        if turn in QUARTERS:
            width, height = height, width
        if at_least is not None:
            picture.draft(None, (at_least, at_least))
        picture.load()
        reduced = picture if at_least is None else _reduced(picture, at_least)
        upright = reduced if turn is None else reduced.transpose(turn)
        shown = _to_srgb(upright)
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            shown.info["assumed"] = SEVERAL  # the others of an MPO are its previews
        return shown, (width, height)
    except UnidentifiedImageError:
        raise Undecodable("not a picture in any known format") from None
    except Image.DecompressionBombError:
        raise Undecodable(f"more than {MAX_PIXELS // 1_000_000} million pixels") from None
    except Exception as error:  # Pillow's decoders raise errors of every kind on broken bytes
        raise Undecodable(" ".join(str(error).split()) or type(error).__name__) from error


def _without_metadata(content: bytes) -> bytes:
    """A PNG or AVIF without the texts or EXIF that Pillow may refuse it for; others unchanged."""
    if content[4:8] == b"ftyp":
        return content.replace(b"Exif", b"none", 1)  # items of an unknown type are ignored
    if not content.startswith(PNG):
        return content
    kept, at = [PNG], len(PNG)
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunk = content[at : at + size + 12]  # size, name, data, checksum
        name, checksum = chunk[4:8], zlib.crc32(chunk[4:-4]).to_bytes(4, "big")
        if name not in PNG_TEXTS and (name != b"eXIf" or chunk[-4:] == checksum):
            kept.append(chunk)
        at += len(chunk)
    return b"".join(kept)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """The turn that makes a picture upright; None if it is, or if its EXIF or XMP is unreadable."""
    if picture.format == "TIFF":  # Pillow itself turns it
        return None
    try:
        return TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # errors of every kind, as with the decoders
        return None


def _reduced(picture: Image.Image, at_least: int) -> Image.Image:
    """The picture with at least so many pixels on each side: later steps each copy all of it."""
    factor = min(picture.size) // at_least
    # In other modes, and where one colour means "transparent", pixels have no mean.
    means = picture.mode in ("L", "RGB", "RGBA", "CMYK") and "transparency" not in picture.info
    return picture.reduce(factor) if means and factor > 1 else picture


def _to_srgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8_bits(picture)
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    elif picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("RGB")
    if profile:
        picture = _apply_profile(picture, profile)
    return picture.convert("RGB")


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """A grey picture of 9 to 32 bits, or of floats, as 8 bits, scaled by its range.

    Cameras of 10 or 12 bits write files for 16, so white is the next power of two above the
    maximum. Values beyond 16 bits, or floats beyond 0..1, have no agreed white: their maximum is
    white.
    """
    values = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0, neginf=0)
    top = values.max(initial=0)
    if picture.mode == "F":
        white = 1.0 if top <= 1 else max(top, 255.0)
    else:
        white = 2.0 ** max(8, int(top).bit_length()) - 1 if top <= 65535 else top
    shown = Image.fromarray(np.clip(values * (255 / white), 0, 255).round().astype(np.uint8))
    if picture.mode != "F" and 255 < white < 65535:
        shown.info["assumed"] = DARK
    return shown


@functools.lru_cache(maxsize=64)
def _is_srgb(profile: bytes) -> bool:
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return "sRGB" in ImageCms.getProfileDescription(opened)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return True  # a broken profile says nothing: use the numbers as they are


def _apply_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    if _is_srgb(profile):
        return picture
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
        return converted or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # the profile is not for the picture's mode
