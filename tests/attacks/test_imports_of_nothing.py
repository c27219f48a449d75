"""No import takes the server's own folder for what nobody named."""

import errno
import io
import os
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.urls import reverse

from imagesets.errors import ImportRefused
from imagesets.importing import jobs
from imagesets.importing.import_dataset import import_dataset
from imagesets.models import Dataset, ImportJob
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def elsewhere(settings, tmp_path, monkeypatch):
    """The server's working directory holds a picture that nobody may import by accident."""
    settings.DATA_DIR = tmp_path / "data"
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "secret.jpg").write_bytes(jpeg(1))
    monkeypatch.chdir(folder)
    queued: list[int] = []
    monkeypatch.setattr("imagesets.celery_tasks.run_import.delay", queued.append)
    return queued


def upload() -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.jpg", jpeg(2))
    return SimpleUploadedFile("pictures.zip", out.getvalue())


def post(client, **fields):
    return client.post(reverse("import-dataset"), {"slug": "set", "address": ""} | fields)


def test_a_full_disk_during_an_upload_leaves_no_job(admin_client, elsewhere, monkeypatch, settings):
    kept = jobs.keep_upload

    def full(job, name, file):
        kept(job, name, file)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("imagesets.pages.import_dataset.keep_upload", full)
    reply = post(admin_client, upload=upload())
    assert reply.status_code == 507
    assert "No space left on device" in reply.content.decode()
    assert not ImportJob.objects.exists()
    assert not elsewhere
    assert not list((settings.DATA_DIR / "uploads").glob("*"))


def test_a_job_without_an_address_cannot_exist():
    for address in ("", None):
        with pytest.raises(IntegrityError), transaction.atomic():
            ImportJob.objects.create(slug="set", images=address, created_by="boss")


@pytest.mark.parametrize("address", [".", "./", "..", "~", "secret.jpg", "server", "file:///tmp"])
def test_a_relative_address_means_nothing_to_the_site(admin_client, elsewhere, address):
    assert post(admin_client, address=address).status_code == 422
    job = ImportJob.objects.create(slug="set", images=address, created_by="boss")  # an old one
    for _ in range(2):
        admin_client.post(reverse("import-again", args=[job.pk]))
        jobs.run(job.pk)
        job.refresh_from_db()
        assert job.state == "failed"
        assert "whole path" in job.error
    assert not Dataset.objects.exists()


@pytest.mark.parametrize("nothing", ["", " ", "\t\n"])
def test_nothing_is_imported_from_an_empty_name(nothing):
    with pytest.raises(ImportRefused, match="is empty"):
        import_dataset("set", nothing)
    with pytest.raises(CommandError, match="is empty"):
        call_command("import_dataset", "set", "--images", nothing)
    for table in ("--classes", "--labels"):
        with pytest.raises(CommandError, match="is empty"):
            call_command("import_dataset", "set", "--images", os.getcwd(), table, nothing)
    assert not Dataset.objects.exists()


def test_uploads_that_a_killed_server_left_are_removed_and_no_others(admin_client, settings):
    post(admin_client, upload=upload())
    (job,) = ImportJob.objects.all()
    left = settings.DATA_DIR / "uploads" / "999999"
    left.mkdir()
    for folder in (left, jobs.folder_of(job)):
        os.utime(folder, (1, 1))
    post(admin_client, upload=upload())
    assert not left.exists()
    assert jobs.folder_of(job).exists()
