"""Queues inference, and counts from the database how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from imagesets.models import Dataset
from models_inference.celery_tasks import send, try_classifier
from models_inference.errors import InferenceError
from models_inference.inference.loaded_networks import check_same_dataset
from models_inference.models import Classifier, InferenceJob, SkippedImage, Trial

# A job whose workers have finished no chunk for this long has lost them.
SILENT = timedelta(minutes=5)


@dataclass(frozen=True)
class JobProgress:
    """How far a job has come. state: waiting, running, silent, failed or done.

    done, total: predictions (images x classifiers). images_per_second: images through all of the
    job's classifiers, by all workers together, since the first began; None before its first chunk.
    """

    state: str
    done: int
    total: int
    images_per_second: float | None
    seconds_left: float | None


def job_progress(job: InferenceJob) -> JobProgress:
    """Count how far a job has come."""
    done, total = _counted(job.dataset_id, list(job.classifiers))
    last = job.heard_at
    rate = None
    if job.begun_at and last and last > job.begun_at and job.classifiers:
        new = max(done - job.done_before, 0) / len(job.classifiers)
        rate = new / (last - job.begun_at).total_seconds()
    left = (total - done) / len(job.classifiers) / rate if rate and job.classifiers else None
    state = state_of(job)
    return JobProgress(state, done, total, rate, left if state == "running" else None)


def state_of(job: InferenceJob) -> str:
    """The state of JobProgress, from the row alone: nothing is counted."""
    if job.error:
        return "failed"
    if job.finished_at:
        return "done"
    last = job.heard_at or job.begun_at
    if last is None:
        return "waiting"
    return "running" if timezone.now() - last < SILENT else "silent"


def queue_predictions(dataset: Dataset, classifiers: Sequence[Classifier]) -> InferenceJob:
    """Have the workers of queue `gpu` predict what is missing, including images skipped before.

    Asking again for what is under way, or done, does no harm.
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
                "stopped_at": None,
            },
        )
        transaction.on_commit(lambda: send(job))
    return job


def queue_trial(dataset: Dataset, name: str, **made_of: Any) -> Trial:
    """Have a worker of queue `gpu` ask a network about some pictures, before it is saved."""
    with transaction.atomic():
        trial = Trial.objects.create(dataset=dataset, name=name, **made_of)
        transaction.on_commit(lambda: try_classifier.delay(trial.pk))
    return trial


def cancel(job: InferenceJob, who: str) -> None:
    """Stop a job for good; its workers end within seconds, and what is predicted stays.

    Raises InferenceError if it has ended.
    """
    now = timezone.now()
    unfinished = InferenceJob.objects.filter(pk=job.pk, finished_at=None, error="")
    if not unfinished.update(stopped_at=now, finished_at=now, error=f"Cancelled by {who}."):
        raise InferenceError("This job has ended: there is nothing to cancel.")


def predictions_done(dataset: Dataset, classifiers: Sequence[Classifier]) -> tuple[int, int]:
    """Predictions that exist, and predictions asked for (images x classifiers).

    An image that could not be read counts as done (see SkippedImage).
    Raises InferenceError with the job's error if a queued job of these classifiers has failed.
    """
    ids = sorted({classifier.id for classifier in classifiers})
    failed = InferenceJob.objects.filter(dataset=dataset, classifiers=ids).exclude(error="").first()
    if failed:
        raise InferenceError(failed.error)
    return _counted(dataset.id, ids)


def _counted(dataset_id: int, ids: Sequence[int]) -> tuple[int, int]:
    """Predictions that exist or cannot be made, and predictions asked for.

    Nothing is asked of deleted classifiers.
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
