"""Several processes share one job; a kill -9 at any moment loses nothing and doubles nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from PIL import Image as Picture
from redis import Redis

from imagesets.models import Image
from models_inference.chunks import CHUNK
from models_inference.errors import InferenceError
from models_inference.jobs import (
    predictions_done,
    queue_predictions,
    send_unfinished,
    standing,
)
from models_inference.models import InferenceJob, Prediction

from .conftest import add_images

ROOT = Path(__file__).resolve().parents[2]
IMAGES = 3 * CHUNK
WORKER = ("-m", "celery", "-A", "annotation", "worker", "-Q", "gpu", "-c", "1", "-l", "ERROR")
SMALL = {"input_size": [3, 64, 64]}


def environment() -> dict[str, str]:
    """The environment of a process that shall use this test's database and queue."""
    at = connection.settings_dict
    host = at.get("OPTIONS", {}).get("host") or at["HOST"]
    user = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    place = f"{quote(at['NAME'])}?host={quote(host, safe='')}"
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{user}@:{at['PORT'] or 5432}/{place}",
        "REDIS_URL": settings.REDIS_URL,
        "DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "annotation.settings",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def start(transactional_db) -> Iterator:
    """A function that starts a process on this test's servers; all are gone afterwards."""
    running: list[subprocess.Popen] = []

    def begin(*argv: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, *argv],
            env=environment(),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        print(process.communicate()[1])  # pytest shows it where a test has failed


@pytest.fixture
def dataset(transactional_db, make_dataset, pictures):
    """Three chunks of images: small photographs, each under many keys."""
    dataset = make_dataset("shared")
    for file in pictures:
        with Picture.open(file) as picture:
            picture.resize((120, 90)).save(file)
    add_images(dataset, pictures)
    first = list(dataset.images.all())
    Image.objects.bulk_create(
        Image(
            dataset=dataset,
            key=f"again_{number}.jpg",
            location=first[number % len(first)].location,
            sha256=first[number % len(first)].sha256,
            width=first[number % len(first)].width,
            height=first[number % len(first)].height,
        )
        for number in range(IMAGES - len(first))
    )
    return dataset


def until(condition, seconds: float = 120.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def check_all_once(dataset, classifiers) -> None:
    rows = list(Prediction.objects.values_list("classifier_id", "image_id"))
    assert len(rows) == len(set(rows)) == dataset.images.count() * len(classifiers)


def test_two_predict_commands_one_of_them_killed(dataset, tiny, start):
    classifiers = [tiny(dataset, name, input=SMALL) for name in "ab"]
    killed, other = (start("manage.py", "predict", "shared", "--device", "cpu") for _ in range(2))
    until(Prediction.objects.exists)
    os.killpg(killed.pid, signal.SIGKILL)
    # Only whole chunks: a chunk's rows are committed in one transaction.
    chunks = {}
    for image in Prediction.objects.values_list("image_id", flat=True):
        chunks[image // CHUNK] = chunks.get(image // CHUNK, 0) + 1
    for number, count in chunks.items():
        there = dataset.images.filter(id__gte=number * CHUNK, id__lt=(number + 1) * CHUNK).count()
        assert count == 2 * there
    kept = list(Prediction.objects.order_by("id").values())
    _, errors = other.communicate(timeout=240)
    assert other.returncode == 0, errors
    check_all_once(dataset, classifiers)
    assert list(Prediction.objects.order_by("id").values())[: len(kept)] == kept


def test_workers_of_the_queue_from_a_lost_queue_over_a_kill_to_a_job_that_fails(
    dataset, tiny, start
):
    """One story, since each worker takes seconds to load torch."""
    classifiers = [tiny(dataset, name, input=SMALL) for name in "ab"]
    queue_predictions(dataset, classifiers)
    Redis.from_url(settings.REDIS_URL).flushall()

    # A lost queue: the first worker asks for unfinished jobs by itself.
    first = start(*WORKER, "-n", "first@%h")
    until(Prediction.objects.exists)

    # It is killed; two others finish what it left, each prediction once.
    os.killpg(first.pid, signal.SIGKILL)
    done, total = predictions_done(dataset, classifiers)
    assert 0 < done <= total == 2 * IMAGES
    others = [start(*WORKER, "-n", f"{name}@%h") for name in ("second", "third")]
    until(lambda: predictions_done(dataset, classifiers) == (total, total))
    check_all_once(dataset, classifiers)
    until(lambda: InferenceJob.objects.get().finished_at is not None)
    assert send_unfinished() == 0
    told = standing(InferenceJob.objects.get())
    assert (told.state, told.done) == ("done", total)
    assert told.images_per_second > 0

    # A job that fails says so to whoever waits, stops no worker, and can be asked again.
    broken = tiny(dataset, "c", input=SMALL)
    file = Path(broken.weights)
    content = file.read_bytes()
    file.unlink()
    queue_predictions(dataset, [broken])
    until(lambda: InferenceJob.objects.exclude(error="").exists())
    with pytest.raises(InferenceError, match=r"c\.pth does not exist"):
        predictions_done(dataset, [broken])
    file.write_bytes(content)
    queue_predictions(dataset, [broken])
    until(lambda: predictions_done(dataset, [broken]) == (IMAGES, IMAGES))
    assert [worker.poll() for worker in others] == [None, None]
