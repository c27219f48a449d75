"""Pictures of every kind come out upright, 8-bit, sRGB, or are refused with a reason."""

import io
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin

from imagesets.pictures.decoding import DARK, SEVERAL, Undecodable, check, open_rgb
from tests.studies.drawn_pictures import encoded, jpeg, noise

RED, WHITE = (255, 0, 0), (255, 255, 255)


def test_exif_orientation_is_applied_to_pixels_and_size():
    picture = Image.new("RGB", (40, 20), "blue")
    picture.paste(RED, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right of the file
    content = encoded(picture, quality=95, exif=exif)
    turned = open_rgb(content)
    assert turned.size == (20, 40)
    assert turned.getpixel((10, 5))[0] > 200
    assert check(content)[:2] == (20, 40)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_reduced_picture_is_upright_and_whole_too(format, mode):
    if format == "JPEG" and mode == "RGBA":
        return
    picture = Image.new(mode, (800, 400), "blue")
    picture.paste(RED, (0, 0, 400, 400))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(picture, format, exif=exif)
    width, height, small, _ = check(content)
    assert (width, height) == (400, 800)
    assert 64 <= small.width < small.height < 400
    red, _, blue = small.getpixel((small.width // 2, small.height // 4))
    assert red > 200 > 60 > blue


def damaged(exif: bytes) -> Iterator[bytes]:
    """EXIF blocks as damage leaves them: cut, with wrong offsets, of other values, of anything."""
    rng = random.Random(0)
    yield rng.randbytes(60)
    yield from (exif[:length] for length in range(0, len(exif), 5))
    for position in range(len(exif)):
        for value in (0, 255):
            yield exif[:position] + bytes([value]) + exif[position + 1 :]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of the damage
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_good_picture_with_damaged_exif_comes_in(format):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera's maker"
    exif[ExifTags.Base.XResolution] = 72.0
    exif[ExifTags.Base.Orientation] = 1
    options = {"dpi": (72, 72)} if format == "JPEG" else {}  # else Pillow swallows some errors
    content = encoded(noise(1), format, exif=exif, **options)
    block = exif.tobytes()[6:]
    if block not in content:  # AVIF keeps the orientation elsewhere
        del exif[ExifTags.Base.Orientation]
        block = exif.tobytes()[6:]
    assert block in content
    for block_now in damaged(block):
        # The file's checksums and lengths stay whole: it is only the block that is damaged.
        if format == "AVIF":
            now = content.replace(block, block_now.ljust(len(block), b"\0")[: len(block)])
        else:
            now = encoded(noise(1), format, exif=b"Exif\0\0" + block_now, **options)
        width, height, *_ = check(now)
        assert sorted((width, height)) == [48, 64]
        assert sorted(open_rgb(now, at_least=1280).size) == [48, 64]


def test_a_png_with_damaged_or_overlong_texts_comes_in():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("comment", "hello")
    texts.add_text("history", "x" * 2_000_000, zip=True)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = encoded(noise(1), "PNG", pnginfo=texts, exif=exif)
    assert check(content)[:2] == (48, 64)
    assert check(content.replace(b"hello", b"jello"))[:2] == (48, 64)
    at = content.index(b"eXIf")
    damaged = content[: at + 4] + b"?" + content[at + 5 :]
    assert open_rgb(damaged).tobytes() == noise(1).tobytes()
    with pytest.raises(Undecodable):
        check(content[: content.index(b"IDAT") + 20])


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_upright(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(noise(1), exif=exif)
    assert check(content)[:2] == open_rgb(content).size == (64, 48)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_turned_as_pillow_does(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(noise(1), "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert open_rgb(content).tobytes() == expected.tobytes()
    assert check(content)[:2] == expected.size


def test_one_colour_that_means_clear_stays_clear_in_a_reduced_picture():
    picture = Image.new("RGB", (640, 640), RED)
    picture.paste((1, 2, 3), (0, 0, 640, 320))
    content = encoded(picture, "PNG", transparency=(1, 2, 3))
    assert check(content)[2].getpixel((5, 5)) == WHITE


def test_a_document_that_another_program_would_have_to_draw_is_refused():
    with pytest.raises(Undecodable, match="known format"):
        check(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n")


def test_cmyk_keeps_its_colour():
    opened = open_rgb(encoded(Image.new("RGB", (16, 16), RED).convert("CMYK"), quality=95))
    r, g, b = opened.getpixel((8, 8))
    assert opened.mode == "RGB"
    assert r > 200
    assert max(g, b) < 60


def test_sixteen_bit_grey_is_scaled_not_cut():
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[None].repeat(8, axis=0)
    opened = open_rgb(encoded(Image.fromarray(ramp), "PNG"))
    grey = np.asarray(opened)[0, :, 0]
    assert grey[0] == 0
    assert grey[-1] == 255
    assert abs(int(grey[32]) - 130) <= 2


def test_float_tiff_is_shown():
    opened = open_rgb(encoded(Image.fromarray(np.full((4, 4), 0.5, np.float32)), "TIFF"))
    assert opened.getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_on_white(mode):
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    picture = clear if mode == "RGBA" else clear.convert(mode)
    if mode == "P":
        picture.info["transparency"] = picture.getpixel((0, 0))
    assert open_rgb(encoded(picture, "PNG")).getpixel((4, 4)) == WHITE


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_rgb(content).getpixel((4, 4)) == RED


def swapped_profile() -> bytes:
    """A colour space whose red is sRGB's blue and the other way round, under another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_colour_profile_is_applied(format):
    options = {"icc_profile": swapped_profile(), "quality": 95}
    r, g, b = open_rgb(encoded(Image.new("RGB", (8, 8), RED), format, **options)).getpixel((4, 4))
    assert b > 240
    assert max(r, g) < 30


def test_a_broken_or_unfitting_profile_is_passed_over():
    for mode, profile in (("RGB", b"no profile"), ("L", swapped_profile())):
        content = encoded(Image.new(mode, (8, 8), "white"), "PNG", icc_profile=profile)
        assert open_rgb(content).getpixel((4, 4)) == WHITE


def test_one_pixel_is_a_picture():
    assert check(encoded(Image.new("L", (1, 1)), "PNG"))[:2] == (1, 1)


def test_a_reduced_jpeg_keeps_the_asked_size():
    content = jpeg(1, (800, 600))
    assert open_rgb(content).size == (800, 600)
    reduced = open_rgb(content, at_least=150)
    assert 150 <= min(reduced.size) < 600


def bomb() -> bytes:
    """A PNG of a few bytes that claims 50,000 x 50,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + crc

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"GIF is what I say I am", "known format"),
        (jpeg(1, (400, 300))[:-2000], "truncated"),
        (bomb(), "million pixels"),
        (encoded(noise(1), "PNG")[:-40], "."),
        (encoded(noise(1), "WEBP")[:60], "."),
    ],
)
def test_what_is_no_whole_picture_is_refused_with_a_reason(content, reason):
    with pytest.raises(Undecodable, match=reason):
        open_rgb(content)
    with pytest.raises(Undecodable, match=reason):
        check(content)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_a_grey_picture_of_a_camera_with_10_to_14_bits_is_not_shown_black(bits, format):
    ramp = np.linspace(0, 2**bits - 1, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    file = io.BytesIO()
    Image.fromarray(ramp).save(file, format)
    look = check(file.getvalue())
    assert look.assumed == DARK
    shown = np.asarray(open_rgb(file.getvalue()))[..., 0]
    expected = np.linspace(0, 255, 64 * 64).reshape(64, 64)
    assert np.abs(shown - expected).max() <= 1


def test_the_first_picture_of_an_animation_counts_and_the_import_says_so():
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert check(file.getvalue()).assumed == SEVERAL
    assert open_rgb(file.getvalue()).getpixel((5, 5)) == (255, 0, 0)
    still = io.BytesIO()
    frames[0].save(still, "GIF")
    assert check(still.getvalue()).assumed == ""
