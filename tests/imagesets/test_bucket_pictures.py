"""Workers' pictures in a bucket: made once, shown by signed or public addresses."""

import hashlib
import io
import urllib.request
from urllib.parse import urlsplit

import pytest
from PIL import Image as Pillow

from annotation.serving.picture_origins import picture_origins, region_of
from imagesets.celery_tasks import make_derivatives
from imagesets.models import Dataset, Image
from imagesets.pictures import bucket as bucket_pictures
from imagesets.pictures import derivatives
from imagesets.pictures.derivatives import image_urls
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(bucket, settings, tmp_path) -> Image:
    settings.DATA_DIR = tmp_path / "data"
    settings.AWS_STORAGE_BUCKET_NAME = bucket
    path = tmp_path / "lhasa.jpg"
    path.write_bytes(jpeg(1, (640, 480)))
    return Image.objects.create(
        dataset=Dataset.objects.create(slug="dogs", name="Dogs"),
        key="lhasa.jpg",
        location=str(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        width=640,
        height=480,
    )


def test_the_first_request_makes_both_and_leads_to_the_bucket(image, client, monkeypatch):
    decoded = []
    open_rgb = derivatives.open_rgb
    monkeypatch.setattr(
        derivatives, "open_rgb", lambda *a, **o: decoded.append(1) or open_rgb(*a, **o)
    )
    sizes = []
    for _ in range(2):
        for url in image_urls(image):
            answer = client.get(url)
            assert answer.status_code == 302
            with urllib.request.urlopen(answer["Location"]) as got:
                assert got.headers["Content-Type"] == "image/webp"
                assert "immutable" in got.headers["Cache-Control"]
                sizes.append(Pillow.open(io.BytesIO(got.read())).size)
    assert sizes == [(320, 240), (640, 480)] * 2
    assert len(decoded) == 1
    assert not list((derivatives.settings.DATA_DIR / "derivatives").rglob("*.webp"))


def test_pages_lead_to_the_bucket_at_once_where_pictures_were_made_ahead(
    image, django_assert_num_queries
):
    make_derivatives([image.pk])
    image.refresh_from_db()
    with django_assert_num_queries(0):
        tile, full = image_urls(image)
    assert (tile, full) == image_urls(image)  # the same again: browsers keep what they have
    for address in (tile, full):
        assert urllib.request.urlopen(address).status == 200
        assert "X-Amz-Signature" in address
        assert "lhasa" not in address
        assert image.sha256 not in address


def test_a_public_host_needs_no_signature(image, settings):
    settings.AWS_S3_CUSTOM_DOMAIN = "cdn.example.org"
    make_derivatives([image.pk])
    image.refresh_from_db()
    name = derivatives.name_of(image.public_id, "tile")
    assert image_urls(image)[0] == f"https://cdn.example.org/{name}"


def test_a_broken_source_gives_no_picture(image, client):
    Image.objects.update(location="/nowhere.jpg")
    answer = client.get(image_urls(image)[0])
    assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("pictures", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}),
        ("pictures", {"AWS_DEFAULT_REGION": "eu-west-1"}),
        ("my.pictures", {"AWS_REGION": "eu-west-1"}),
        ("pictures", {}),
        ("pictures", {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.org"}),
    ],
)
def test_the_policy_allows_the_origin_of_the_addresses(name, environ, settings, monkeypatch):
    for variable in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    for variable, value in (environ | keys).items():
        monkeypatch.setenv(variable, value)
    settings.AWS_STORAGE_BUCKET_NAME = name
    settings.AWS_S3_REGION_NAME = region_of(environ)
    settings.AWS_S3_CUSTOM_DOMAIN = environ.get("AWS_S3_CUSTOM_DOMAIN", "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region_of(environ))
    bucket_pictures.forget()
    parts = urlsplit(bucket_pictures.address("derivatives/a.webp"))
    bucket_pictures.forget()
    assert f"{parts.scheme}://{parts.netloc}" in picture_origins(
        environ | {"AWS_STORAGE_BUCKET_NAME": name}
    )
    assert picture_origins(environ) == []
