"""Inference in Celery workers of queue `gpu`: any number of them share a job, chunk by chunk."""

import contextlib

from celery import shared_task
from celery.signals import worker_ready
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError

from imagesets.models import Dataset
from models_inference.chunks import open_chunks
from models_inference.errors import InferenceError
from models_inference.inference.run import Run
from models_inference.inference.trial_run import try_network
from models_inference.inference.watchdog import Stopped, Watchdog
from models_inference.models import Classifier, InferenceJob, Trial

RESUME_SECONDS = 60  # how often beat looks for unfinished jobs
# A job whose workers die this often without finishing a chunk (killed for their memory, say) is
# given up, or it would kill workers for ever.
MOST_STARTS = 20


@shared_task(acks_late=True, reject_on_worker_lost=True)
def predict_dataset(dataset_id: int, classifier_ids: list[int]) -> None:
    """Take part in predicting a dataset by these classifiers until nothing is missing.

    Each task queues one more once it has committed its first chunk, for whichever worker is idle;
    a task that finds nothing to do queues none, so their number cannot grow. An error is stored
    in the job's row, for whoever waits for the job. A stopped job's task does nothing.
    """
    dataset = Dataset.objects.filter(id=dataset_id).first()
    classifiers = list(Classifier.objects.filter(id__in=classifier_ids).select_related("dataset"))
    row = InferenceJob.objects.filter(dataset=dataset_id, classifiers=sorted(classifier_ids))
    live = row.filter(stopped_at=None)
    if dataset is None or not classifiers:
        live.update(
            error="The dataset or its classifiers were deleted.", finished_at=timezone.now()
        )
        return
    if row.exists() and not live.exists():
        return
    row.update(starts=F("starts") + 1)
    row.filter(begun_at=None).update(begun_at=timezone.now())
    queued_next = False
    watchdog = Watchdog(row)
    run = Run(dataset, classifiers, "auto", watchdog.alive)

    def after_chunk() -> None:
        nonlocal queued_next
        row.update(starts=0, heard_at=timezone.now())
        # With the queue down for a moment the task goes on, and retries after its next chunk.
        with contextlib.suppress(OperationalError):
            if not queued_next and open_chunks(dataset_id, run.networks.ids):
                predict_dataset.apply_async((dataset_id, classifier_ids), retry=False)
            queued_next = True

    try:
        if row.filter(starts__gt=MOST_STARTS).exists():
            raise InferenceError(
                f"Workers died {MOST_STARTS} times over this job without finishing a chunk"
                " (out of memory?)."
            )
        with watchdog:
            run.run(on_chunk=after_chunk)
    except Stopped:
        return
    except InferenceError as error:
        live.update(error=str(error), finished_at=timezone.now())
        return
    except Exception as error:
        live.update(error=f"{type(error).__name__}: {error}", finished_at=timezone.now())
        raise
    # Everything is predicted, even if another worker, perhaps without the weights, has failed.
    live.exclude(finished_at__isnull=False, error="").update(finished_at=timezone.now(), error="")


@shared_task(acks_late=False)
def try_classifier(trial_id: int) -> None:
    """Ask a classifier on trial about some pictures; an error is stored in the trial's row.

    Whoever waits for it asks again if its worker dies, so nothing delivers it twice.
    """
    row = Trial.objects.filter(pk=trial_id, finished_at=None)
    row.update(begun_at=timezone.now())
    trial = row.select_related("dataset").first()
    if trial is None:
        return
    try:
        with Watchdog(row):
            try_network(trial)
    except InferenceError as error:
        row.update(error=str(error), finished_at=timezone.now())
    except Exception as error:
        row.update(error=f"{type(error).__name__}: {error}", finished_at=timezone.now())
        raise


def send(job: InferenceJob, expires: float | None = None) -> None:
    """Queue a task for a job; `expires`: seconds after which the task is dropped."""
    predict_dataset.apply_async((job.dataset_id, list(job.classifiers)), expires=expires)


def send_unfinished(expires: float | None = None) -> int:
    """Queue a task for each unfinished job; return how many there are.

    Workers call it when they start, and beat does now and then: the queue may have been lost, or
    a worker killed with the last task; the jobs are in the database.
    """
    jobs = InferenceJob.objects.filter(finished_at=None, error="")
    for job in jobs:
        send(job, expires)
    return len(jobs)


@shared_task
def resume_jobs() -> None:
    """Queue a task for each unfinished job; one too many does no harm."""
    send_unfinished(expires=RESUME_SECONDS)


@worker_ready.connect
def resume_at_start(sender, **kwargs) -> None:
    """A starting worker resumes what a lost queue or a killed worker has left."""
    with sender.app.connection_for_write() as connection:
        resume_jobs.apply_async(connection=connection)
