"""The admin's import page: the form, the job and its outcome."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from imagesets.importing import jobs as import_jobs
from imagesets.models import Dataset, Image, ImportJob
from tests.factories import make_user
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def queued(monkeypatch) -> list[int]:
    """Ids of the jobs that were put before a worker."""
    from imagesets import celery_tasks

    ids: list[int] = []
    monkeypatch.setattr(celery_tasks.run_import, "delay", ids.append)
    return ids


def uploads(labels: str = "image,wnid\na.jpg,n02123045\n") -> dict:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.jpg", jpeg(1))
        file.writestr("b.jpg", b"broken")
    return {
        "upload": SimpleUploadedFile("pictures.zip", out.getvalue()),
        "labels": SimpleUploadedFile("mine.csv", labels.encode()),
    }


def post(client, **fields):
    return client.post(reverse("import-dataset"), {"slug": "set", "address": ""} | fields)


def test_an_upload_becomes_a_dataset(admin_client, queued):
    response = post(admin_client, **uploads())
    job = ImportJob.objects.get()
    assert response.url == reverse("import-job", args=[job.pk])
    assert queued == [job.pk]
    page = admin_client.get(response.url)
    assert page["Refresh"] == "2"
    assert "Waiting for a worker" in page.content.decode()
    import_jobs.run(job.pk)
    text = admin_client.get(response.url).content.decode()
    assert "skipped b.jpg" in text
    assert Image.objects.get().dataset_label.key == "n02123045"
    assert not import_jobs.folder_of(job).exists()
    import_jobs.run(job.pk)  # a queue may deliver twice
    assert ImportJob.objects.get().state == "done"


def test_a_refusal_names_the_row_and_not_the_servers_folders(admin_client, queued, tmp_path):
    post(admin_client, **uploads("image,wnid\nz.jpg,n02123045\n"))
    import_jobs.run(queued[0])
    text = admin_client.get(reverse("import-job", args=queued)).content.decode()
    assert "labels.csv, row 2: unknown image" in text
    assert str(tmp_path) not in text
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Give the images once"),
        ({"slug": "a b", "address": "s3://x/y"}, "slug"),
        ({"upload": SimpleUploadedFile("x.exe", b"MZ")}, "neither .zip nor .parquet"),
        ({"upload": SimpleUploadedFile("x.zip", b"PK, but no")}, "x.zip cannot be read as a zip"),
        (
            {"upload": SimpleUploadedFile("x.parquet", b"PAR1...")},
            "x.parquet cannot be read as a parquet",
        ),
        (
            {"address": "s3://x/y", "labels": SimpleUploadedFile("mine.csv", b"image,x\na,b\n")},
            "mine.csv, row 1: no column &#x27;label&#x27;",
        ),
        (
            {"address": "s3://x/y", "classes": SimpleUploadedFile("c.csv", b"key,names\na,\n")},
            "c.csv, row 2: names is empty",
        ),
    ],
)
def test_a_faulty_form_comes_back(admin_client, queued, fields, message):
    response = post(admin_client, **fields)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert queued == []
    assert not ImportJob.objects.exists()


def test_a_crash_is_reported_and_leaves_no_upload(admin_client, queued, monkeypatch):
    post(admin_client, **uploads())
    monkeypatch.setattr(import_jobs, "import_dataset", lambda *args, **options: 1 / 0)
    import_jobs.run(queued[0])
    text = admin_client.get(reverse("import-job", args=queued)).content.decode()
    assert "a bug in the program (ZeroDivisionError)" in text
    assert not import_jobs.folder_of(ImportJob.objects.get()).exists()


def test_a_running_job_says_how_fast_it_is_and_how_long_it_takes(admin_client, queued):
    post(admin_client, **uploads())
    now = timezone.now()
    ImportJob.objects.update(
        state="running", step="Importing images", step_at=now - timedelta(seconds=10)
    )
    ImportJob.objects.update(done=5000, total=20_000, heard_at=now)
    text = admin_client.get(reverse("import-job", args=queued)).content.decode()
    assert "Importing images: 5,000 of 20,000 (500 a second, 30 s left)" in text


def test_a_job_that_lost_its_worker_can_be_started_again(admin_client, queued):
    post(admin_client, **uploads())
    row = ImportJob.objects.filter(pk=queued[0])
    row.update(state="running", heard_at=timezone.now())
    admin_client.post(reverse("import-again", args=queued[:1]))
    assert len(queued) == 1  # it is alive
    row.update(heard_at=timezone.now() - timedelta(hours=1))
    address = reverse("import-again", args=queued[:1])
    assert "Start again" in admin_client.get(reverse("import-job", args=queued)).content.decode()
    admin_client.post(address)
    assert queued == [row.get().pk] * 2


def test_only_those_who_may_import_can(client, queued):
    assert "login" in client.get(reverse("import-dataset")).url
    client.force_login(make_user("reader", "reviewer"))
    assert client.get(reverse("import-dataset")).status_code == 403
    assert post(client, address="/etc").status_code == 403
