"""Asks the queue for inference, and tells from the database how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from imagesets.models import Dataset
from models_inference.errors import InferenceError
from models_inference.inference import check_same_dataset
from models_inference.models import Classifier, InferenceJob, SkippedImage

# A job whose workers finished no chunk for so long has lost them, or none has begun.
SILENT = timedelta(minutes=5)


@dataclass(frozen=True)
class Standing:
    """How far a job is. state: waiting, running, silent, failed or done.

    done, total: predictions (images x classifiers). images_per_second: images by all of the job's
    classifiers, since it was taken up, by all workers together; None before its first chunk.
    """

    state: str
    done: int
    total: int
    images_per_second: float | None
    seconds_left: float | None


def standing(job: InferenceJob) -> Standing:
    """Count how far a job is."""
    done, total = _counted(job.dataset_id, list(job.classifiers))
    last = job.heard_at
    rate = None
    if job.begun_at and last and last > job.begun_at and job.classifiers:
        new = max(done - job.done_before, 0) / len(job.classifiers)
        rate = new / (last - job.begun_at).total_seconds()
    left = (total - done) / len(job.classifiers) / rate if rate and job.classifiers else None
    state = _state(job, last or job.begun_at)
    return Standing(state, done, total, rate, left if state == "running" else None)


def _state(job: InferenceJob, last: datetime | None) -> str:
    if job.error:
        return "failed"
    if job.finished_at:
        return "done"
    if last is None:
        return "waiting"
    return "running" if timezone.now() - last < SILENT else "silent"


def queue_predictions(dataset: Dataset, classifiers: Sequence[Classifier]) -> InferenceJob:
    """Have the workers of queue `gpu` predict what is missing; images skipped before too.

    Asking again for what is under way, or done, does no harm: it costs one look.
    """
    check_same_dataset(dataset, classifiers)
    ids = sorted({classifier.id for classifier in classifiers})
    with transaction.atomic():
        SkippedImage.objects.filter(image__dataset=dataset).delete()
        job, _ = InferenceJob.objects.update_or_create(
            dataset=dataset,
            classifiers=ids,
            defaults={
                "queued_at": timezone.now(),
                "finished_at": None,
                "error": "",
                "starts": 0,
                "done_before": _counted(dataset.id, ids)[0],
                "begun_at": None,
                "heard_at": None,
            },
        )
        transaction.on_commit(lambda: send(job))
    return job


def send(job: InferenceJob, expires: float | None = None) -> None:
    """Put a job's ticket in the queue; `expires`: seconds after which it is worth nothing."""
    from models_inference.celery_tasks import predict_dataset

    predict_dataset.apply_async((job.dataset_id, list(job.classifiers)), expires=expires)


def send_unfinished(expires: float | None = None) -> int:
    """Put a ticket for each job that has not ended in the queue; returns how many.

    Workers call it when they start, and beat does now and then: the queue may have been lost, or
    a worker killed with the last ticket; the jobs are in the database.
    """
    jobs = InferenceJob.objects.filter(finished_at=None, error="")
    for job in jobs:
        send(job, expires)
    return len(jobs)


def predictions_done(dataset: Dataset, classifiers: Sequence[Classifier]) -> tuple[int, int]:
    """How many of the predictions asked for are there, of how many: images x classifiers.

    An image that could not be read counts as done (see SkippedImage).
    Raises InferenceError with its text where a queued job of these classifiers has failed.
    """
    ids = sorted({classifier.id for classifier in classifiers})
    failed = InferenceJob.objects.filter(dataset=dataset, classifiers=ids).exclude(error="").first()
    if failed:
        raise InferenceError(failed.error)
    return _counted(dataset.id, ids)


def _counted(dataset_id: int, ids: Sequence[int]) -> tuple[int, int]:
    """Predictions that are there or cannot be, and how many are asked for.

    Classifiers that were deleted are asked for none.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM imagesets_image WHERE dataset_id = %(dataset)s),
                   (SELECT count(*) FROM models_inference_classifier
                    WHERE id = ANY(%(classifiers)s)),
                   (SELECT count(*) FROM models_inference_prediction p
                    WHERE p.classifier_id = ANY(%(classifiers)s)),
                   (SELECT count(*)
                    FROM models_inference_skippedimage s
                    JOIN imagesets_image i ON i.id = s.image_id AND i.dataset_id = %(dataset)s
                    JOIN models_inference_classifier c ON c.id = ANY(%(classifiers)s)
                    WHERE NOT EXISTS (SELECT FROM models_inference_prediction p
                                      WHERE p.classifier_id = c.id AND p.image_id = i.id))
            """,
            {"dataset": dataset_id, "classifiers": list(ids)},
        )
        images, classifiers, predicted, skipped = cursor.fetchone()
    return predicted + skipped, images * classifiers
