"""No stranger's request puts a byte on the site's disk, however large or long it is."""

import contextlib
import io
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.serving.web import web_server
from tests.factories import make_user

MEGABYTE = 2**20
LARGE = 5 * MEGABYTE  # more than Django keeps in memory


@pytest.fixture
def on_disk(monkeypatch) -> list[str]:
    """The names of the uploads that were written to temporary files."""
    names: list[str] = []
    begin = TemporaryUploadedFile.__init__

    def noted(self, name, *args, **options):
        names.append(name)
        begin(self, name, *args, **options)

    monkeypatch.setattr(TemporaryUploadedFile, "__init__", noted)
    return names


IMPORTS = ["/admin/imagesets/import/", "/admin/models_inference/classifier/add/"]
PAGES = [
    "/tasks/0123456789abcdef/",
    "/hit/0123456789abcdef/",
    "/admin/login/",
    "/campaigns/study/",
    *IMPORTS,
]


@pytest.mark.django_db
def test_no_page_takes_a_file_from_a_stranger(client, on_disk):
    for address in PAGES:
        file = SimpleUploadedFile("large.zip", b"\0" * LARGE)
        answer = client.post(address, {"upload": file})
        if address in IMPORTS:
            assert answer.status_code == 403
        else:
            assert answer.status_code == 413
            assert "too large: 5.0" in answer.content.decode()
        small = SimpleUploadedFile("small.zip", b"\0" * 1000)
        assert client.post(address, {"upload": small}).status_code < 500
    assert on_disk == []


@pytest.mark.django_db
def test_the_login_page_reads_a_plain_form_sent_as_multipart(client, django_user_model):
    """And passes over the files in it."""
    django_user_model.objects.create_superuser("root", password="secret-word")
    form = {"username": "root", "password": "secret-word", "x": io.BytesIO(b"file")}
    answer = client.post("/admin/login/?next=/admin/", form)
    assert (answer.status_code, answer.url) == (302, "/admin/")


@pytest.mark.django_db
def test_who_has_logged_in_imports_large_files_and_sends_no_other(admin_client, on_disk):
    large = SimpleUploadedFile("large.zip", b"\0" * LARGE)
    answer = admin_client.post(reverse("import-dataset"), {"slug": "set", "upload": large})
    assert answer.status_code == 422
    assert "large.zip cannot be read as a zip file" in answer.content.decode()
    assert on_disk == ["large.zip"]
    large.seek(0)
    answer = admin_client.post("/admin/auth/user/add/", {"username": "x", "picture": large})
    assert answer.status_code == 413
    assert on_disk == ["large.zip"]


@pytest.mark.django_db
def test_a_login_whose_role_imports_nothing_sends_no_file(on_disk):
    viewer = Client()
    viewer.force_login(make_user("reader", "viewer"))
    large = SimpleUploadedFile("large.zip", b"\0" * LARGE)
    answer = viewer.post(reverse("import-dataset"), {"slug": "set", "upload": large})
    assert answer.status_code == 403
    assert "Your role imports nothing" in answer.content.decode()
    assert on_disk == []


@pytest.mark.django_db
def test_the_api_says_in_json_that_a_body_is_too_large(client):
    for address, status in (("/api/campaigns/", 413), ("/api/campaigns/x/responses/", 401)):
        body = b" " * LARGE
        answer = client.post(address, body, "application/json")
        assert answer.status_code == status
        assert list(answer.json()) == ["detail"]


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder in which the account of a web server that root starts may write."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.django_db(transaction=True)
def test_what_is_not_read_holds_nobody_up(open_to_all: Path):
    """Bodies of a gigabyte, announced or in chunks, are answered at once and leave no file."""
    with web_server(environment={"TMPDIR": str(open_to_all)}) as address:
        for page in PAGES:
            for how in ("Content-Length: 1073741824", "Transfer-Encoding: chunked"):
                started = time.monotonic()
                answer = half_sent(address, page, how)
                status = int(answer.split()[1])
                assert status in ((403, 413) if "Length" in how else (411,)), (page, how)
                assert time.monotonic() - started < 3
        assert list(open_to_all.rglob("*")) == []


def half_sent(address: str, page: str, how: str) -> bytes:
    """The answer to a request of whose body only a part is sent."""
    host = urlsplit(address).netloc
    head = f"POST {page} HTTP/1.1\r\nHost: {host}\r\n{how}\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"\0" * 100000
    body = part if "Length" in how else b"%x\r\n%b\r\n" % (len(part), part)
    with socket.create_connection(host.split(":"), timeout=10) as connection:
        connection.sendall(head.encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(body)
        return connection.recv(4096)
