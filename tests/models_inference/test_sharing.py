"""Several processes share one job; kill -9 at any moment neither loses nor doubles a prediction."""

import os
import signal
from pathlib import Path

import pytest
from PIL import Image as Picture

from imagesets.models import Image
from models_inference.celery_tasks import send_unfinished
from models_inference.chunks import CHUNK
from models_inference.errors import InferenceError
from models_inference.jobs import job_progress, predictions_done, queue_predictions
from models_inference.models import InferenceJob, Prediction
from tests.factories import add_images, make_imagenet_dataset
from tests.studies.processes import lose_queue, until

IMAGES = 3 * CHUNK
WORKER = ("-m", "celery", "-A", "annotation", "worker", "-Q", "gpu", "-c", "1", "-l", "ERROR")
SMALL = {"input_size": [3, 64, 64]}


@pytest.fixture
def dataset(transactional_db, pictures):
    """Three chunks of images: small photographs, each under many keys."""
    dataset = make_imagenet_dataset("shared")
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
        images = dataset.images.filter(id__gte=number * CHUNK, id__lt=(number + 1) * CHUNK).count()
        assert count == 2 * images
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
    lose_queue()

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
    progress = job_progress(InferenceJob.objects.get())
    assert (progress.state, progress.done) == ("done", total)
    assert progress.images_per_second > 0

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
