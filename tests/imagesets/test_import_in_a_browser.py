"""The import page in a real browser: an error stands beside its field and can be mended."""

import re
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from imagesets import celery_tasks
from imagesets.models import ImportJob
from tests.studies.drawn_pictures import jpeg

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_refused_upload_is_mended_and_sent_again(
    live_server, page, tmp_path, settings, monkeypatch
):
    settings.DATA_DIR = tmp_path / "data"
    queued: list[int] = []
    monkeypatch.setattr(celery_tasks.run_import, "delay", queued.append)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    bad, good = tmp_path / "bad.zip", tmp_path / "good.zip"
    bad.write_bytes(b"no zip")
    with zipfile.ZipFile(good, "w") as file:
        file.writestr("a.jpg", jpeg(1))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    page.goto(f"{live_server.url}/admin/imagesets/import/")
    page.fill("input[name=slug]", "mine")
    send(page, bad)
    page.get_by_text("bad.zip cannot be read as a zip file").wait_for()
    assert page.input_value("input[name=slug]") == "mine"
    send(page, good)
    page.wait_for_url(re.compile(r"/import/\d+/$"))
    assert page.get_by_text("Waiting for a worker").is_visible()
    job = ImportJob.objects.get()
    assert (queued, faults) == ([job.pk], [])
    assert Path(job.images).read_bytes() == good.read_bytes()


def send(page, file: Path) -> None:
    page.set_input_files("input[name=upload]", file)
    page.get_by_role("button", name="Start the import").click()


def test_a_folder_is_packed_and_its_tables_are_found(
    live_server, page, tmp_path, settings, monkeypatch
):
    settings.DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(celery_tasks.run_import, "delay", lambda job: None)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    folder = tmp_path / "my pictures"
    pictures = {"катя/a.jpg": jpeg(1), "b.jpg": jpeg(2), "empty.jpg": b""}
    tables = {"labels.csv": b"image,label\nb.jpg,cat\n"}
    for path, content in {**pictures, **tables, ".hidden/c.jpg": jpeg(3)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    page.goto(f"{live_server.url}/admin/imagesets/import/")
    page.fill("input[name=slug]", "mine")
    page.set_input_files("#folder", folder)
    page.get_by_text("my pictures: 3 files and labels.csv").wait_for()
    page.get_by_role("button", name="Start the import").click()
    page.wait_for_url(re.compile(r"/import/\d+/$"))
    job = ImportJob.objects.get()
    with zipfile.ZipFile(job.images) as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packed.namelist()} == pictures
    assert Path(job.labels).read_bytes() == tables["labels.csv"]
    assert faults == []
