"""Workers' pictures: whole, small, without metadata, made once, with names that reveal nothing."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image as Pillow

from imagesets.celery_tasks import make_derivatives
from imagesets.models import Dataset, Image, Label
from imagesets.pictures import derivatives
from imagesets.pictures.derivatives import image_urls
from tests.studies.drawn_pictures import encoded, noise

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(settings, tmp_path) -> Image:
    """A wide picture, with a camera's metadata, of a label whose name must not leak."""
    settings.DATA_DIR = tmp_path / "data"
    exif = Pillow.Exif()
    exif[0x010F] = "secretcamera"
    path = tmp_path / "lhasa.jpg"
    path.write_bytes(encoded(noise(1, (2000, 900)), quality=90, exif=exif))
    dataset = Dataset.objects.create(slug="dogset", name="Dogs")
    label = Label.objects.create(dataset=dataset, key="n1", names=["Lhasa"])
    return Image.objects.create(
        dataset=dataset,
        key="lhasa.jpg",
        location=str(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        width=2000,
        height=900,
        dataset_label=label,
    )


def test_whole_picture_in_two_sizes_without_metadata(client, image):
    for url, size in zip(image_urls(image), ((320, 144), (1280, 576)), strict=True):
        response = client.get(url)
        assert response.status_code == 200
        opened = Pillow.open(io.BytesIO(response.content))
        assert (opened.format, opened.size) == ("WEBP", size)
        assert b"secretcamera" not in response.content
        assert not opened.getexif()


def test_nothing_in_address_or_headers_tells(client, image):
    tile, full = image_urls(image)
    response = client.get(tile)
    sent = (tile + full + str(dict(response.headers))).lower()
    for secret in ("lhasa", "dogset", "n1.", image.sha256):
        assert secret not in sent
    assert "set-cookie" not in sent


def test_cached_for_ever_and_answered_304(client, image):
    tile, _ = image_urls(image)
    first = client.get(tile)
    assert "immutable" in first["Cache-Control"]
    assert "max-age=31536000" in first["Cache-Control"]
    again = client.get(tile, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_one_decode_serves_both_sizes_and_all_who_ask_at_once(image, monkeypatch):
    decodes = []

    def counted(*args, **options):
        decodes.append(1)
        return open_rgb(*args, **options)

    open_rgb = derivatives.open_rgb
    monkeypatch.setattr(derivatives, "open_rgb", counted)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(derivatives.make, [image] * 16))
    assert len(decodes) == 1


def test_a_made_picture_needs_no_query(client, image, django_assert_num_queries):
    tile, _ = image_urls(image)
    client.get(tile)
    with django_assert_num_queries(0):
        assert client.get(tile).status_code == 200


@pytest.mark.parametrize("content", [b"broken", None, encoded(noise(2, (2000, 900)))])
def test_a_broken_or_changed_source_gives_no_picture_until_it_is_mended(client, image, content):
    path = Path(image.location)
    good = path.read_bytes()
    path.unlink() if content is None else path.write_bytes(content)
    tile, _ = image_urls(image)
    response = client.get(tile)
    assert response.status_code == 404
    assert response["Content-Type"] == "text/plain"  # else a browser would show it as a picture
    assert response["Cache-Control"] == "no-store"
    path.write_bytes(good)
    assert client.get(tile).status_code == 200


def test_an_unknown_name_is_not_found(client):
    assert client.get("/images/AAAAAAAAAAAAAAAA/tile.webp").status_code == 404
    assert client.get("/images/..%2F..%2Fetc/tile.webp").status_code == 404


def test_the_task_makes_them_ahead(image):
    make_derivatives([image.id, 10**9])
    assert derivatives.path_of(image.public_id, "tile").exists()
    assert derivatives.path_of(image.public_id, "full").exists()
