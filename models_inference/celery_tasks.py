"""Inference in Celery workers of queue `gpu`: any number of them share a job, chunk by chunk."""

import contextlib

from celery import shared_task
from celery.signals import worker_ready
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError

RESUME_SECONDS = 60  # how often beat looks for jobs that nobody works on
# A job whose workers die this often (killed for their memory, say) without finishing one chunk
# is given up, or it would kill workers for ever.
MOST_STARTS = 20


@shared_task(acks_late=True, reject_on_worker_lost=True)
def predict_dataset(dataset_id: int, classifier_ids: list[int]) -> None:
    """Take part in predicting a dataset by these classifiers until nothing is missing.

    A ticket that has committed its first chunk puts one more in the queue, for whichever worker
    is idle; one that finds nothing to do ends without another, so their number cannot grow.
    An error is kept in the job's row, where whoever waits for it reads it.
    """
    from imagesets.models import Dataset
    from models_inference.chunks import open_chunks
    from models_inference.errors import InferenceError
    from models_inference.inference import Job
    from models_inference.models import Classifier, InferenceJob

    dataset = Dataset.objects.filter(id=dataset_id).first()
    classifiers = list(Classifier.objects.filter(id__in=classifier_ids).select_related("dataset"))
    row = InferenceJob.objects.filter(dataset=dataset_id, classifiers=sorted(classifier_ids))
    if dataset is None or not classifiers:
        row.update(error="The dataset or its classifiers were deleted.", finished_at=timezone.now())
        return
    row.update(starts=F("starts") + 1)
    row.filter(begun_at=None).update(begun_at=timezone.now())
    invited = False
    job = Job(dataset, classifiers, "auto", lambda done, total: None)

    def after_chunk() -> None:
        nonlocal invited
        row.update(starts=0, heard_at=timezone.now())
        # A queue that is down for a moment is asked again after the next chunk; the work goes on.
        with contextlib.suppress(OperationalError):
            if not invited and open_chunks(dataset_id, job.ids):
                predict_dataset.apply_async((dataset_id, classifier_ids), retry=False)
            invited = True

    try:
        if row.filter(starts__gt=MOST_STARTS).exists():
            raise InferenceError(
                f"Workers died {MOST_STARTS} times over this job and finished no chunk (memory?)."
            )
        job.run(on_chunk=after_chunk)
    except InferenceError as error:
        row.update(error=str(error), finished_at=timezone.now())
        return
    except Exception as error:
        row.update(error=f"{type(error).__name__}: {error}", finished_at=timezone.now())
        raise
    # All is there, whatever another worker, without the weights' file say, made of it.
    row.exclude(finished_at__isnull=False, error="").update(finished_at=timezone.now(), error="")


@shared_task
def resume_jobs() -> None:
    """Put a ticket in the queue for each job that has not ended; one too many does no harm."""
    from models_inference.jobs import send_unfinished

    send_unfinished(expires=RESUME_SECONDS)


@worker_ready.connect
def resume_at_start(sender, **kwargs) -> None:
    """A worker that starts first asks for what was left: by a lost queue, by a killed worker."""
    with sender.app.connection_for_write() as connection:
        resume_jobs.apply_async(connection=connection)
