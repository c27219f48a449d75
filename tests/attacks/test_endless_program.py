"""A classifier's program that never ends holds a worker for minutes, not the queue for good."""

import signal

import pytest
import torch
from django.test import Client
from django.urls import reverse

from models_inference.errors import InferenceError
from models_inference.jobs import cancel, job_progress, queue_predictions
from models_inference.models import Classifier, InferenceJob, Prediction
from tests.factories import add_images, client_of, make_imagenet_dataset
from tests.studies.drawn_pictures import jpeg
from tests.studies.processes import lose_queue, until

INPUT = {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.2] * 3}
WORKER = ("-m", "celery", "-A", "annotation", "worker", "-Q", "gpu", "-c", "1", "-l", "ERROR")
KEYS = ["n02123045", "n02085620"]


@pytest.fixture
def dataset(transactional_db, tmp_path):
    lose_queue()
    dataset = make_imagenet_dataset(keys=KEYS)
    file = tmp_path / "a.jpg"
    file.write_bytes(jpeg(1))
    add_images(dataset, [file])
    return dataset


class Quick(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3))[:, :2]


class Endless(torch.nn.Module):
    def forward(self, x):
        n = 0
        while n >= 0:
            n = (n + 1) % 1000
        return x.mean((2, 3))[:, :2]


def program(dataset, network: torch.nn.Module, folder) -> Classifier:
    """A network as a TorchScript classifier of two classes."""
    name = type(network).__name__.lower()
    torch.jit.script(network).save(str(folder / f"{name}.pt"))
    return Classifier.objects.create(
        dataset=dataset, name=name, architecture="torchscript",
        weights=str(folder / f"{name}.pt"), input=INPUT, mapping=KEYS,
    )  # fmt: skip


def test_a_job_that_never_ends_is_cancelled_and_the_next_one_runs(dataset, tmp_path, start):
    endless = queue_predictions(dataset, [program(dataset, Endless(), tmp_path)])
    worker = start(*WORKER)
    until(InferenceJob.objects.filter(begun_at__isnull=False).exists)
    quick = queue_predictions(dataset, [program(dataset, Quick(), tmp_path)])
    boss = client_of("boss", "owner", spend=True)
    address = f"/api/datasets/{dataset.slug}/jobs/{endless.pk}/cancel/"
    reply = boss.post(address, {}, "application/json")
    assert (reply.status_code, reply.json()["error"]) == (200, "Cancelled by boss.")
    assert boss.post(address, {}, "application/json").status_code == 409
    assert boss.get(address.replace(str(endless.pk), "987654")).status_code in (404, 405)
    until(lambda: job_progress(InferenceJob.objects.get(pk=quick.pk)).state == "done")
    assert Prediction.objects.get().classifier.name == "quick"
    assert worker.poll() is None
    endless.refresh_from_db()
    assert endless.starts == 1  # the task was delivered again, and did nothing
    assert endless.error == "Cancelled by boss."


def test_the_job_s_page_asks_and_cancels(dataset, tmp_path, admin_client):
    job = queue_predictions(dataset, [program(dataset, Endless(), tmp_path)])
    page = reverse("admin:models_inference_inferencejob_cancel", args=[job.pk])
    assert Client().post(page).status_code == 302
    assert b"Its workers stop" in admin_client.get(page).content
    assert job_progress(job).state == "waiting"
    assert b"Cancelled." in admin_client.post(page, follow=True).content
    job.refresh_from_db()
    assert job_progress(job).state == "failed"
    assert admin_client.post(page).status_code == 422
    with pytest.raises(InferenceError, match="has ended"):
        cancel(job, "boss")
    assert queue_predictions(dataset, list(dataset.classifiers.all())).stopped_at is None


HUNG = """
import django, re, sys, time
django.setup()
from django.conf import settings
from models_inference import celery_tasks
from models_inference.inference import watchdog
settings.INFERENCE_MINUTES = 0.02
watchdog.BACKSTOP = 2.0
sleep = lambda *given, **options: time.sleep(600)
keep_the_lock = lambda *given, **options: re.match("(a+)+$", "a" * 64 + "b")
celery_tasks.Run.run = {"sleep": sleep, "lock": keep_the_lock}[sys.argv[1]]
celery_tasks.predict_dataset(int(sys.argv[2]), [int(sys.argv[3])])
"""


@pytest.mark.parametrize(("hung", "code"), [("sleep", -signal.SIGKILL), ("lock", 1)])
def test_a_network_that_never_answers_ends_its_process(dataset, tmp_path, start, hung, code):
    classifier = program(dataset, Quick(), tmp_path)
    job = queue_predictions(dataset, [classifier])
    ended = start("-c", HUNG, hung, str(dataset.pk), str(classifier.pk))
    ended.wait(60)
    assert ended.returncode == code
    job.refresh_from_db()
    if hung == "sleep":  # who keeps Python's lock lets nobody say why
        assert "gave no answer for 0.02 minutes" in job.error
        assert job.stopped_at
