"""Inference in Celery workers of queue `gpu`: any number of them share a job, chunk by chunk."""

from celery import shared_task
from django.utils import timezone


@shared_task(acks_late=True, reject_on_worker_lost=True)
def predict_dataset(dataset_id: int, classifier_ids: list[int]) -> None:
    """Take part in predicting a dataset by these classifiers until nothing is missing.

    A ticket that has committed its first chunk puts one more in the queue: whichever worker is
    idle joins, and where this one is killed, the next to come goes on at once. A ticket that
    finds nothing to do ends without another, so their number cannot grow.
    An error is kept in the job's row, where whoever waits for it reads it.
    """
    from imagesets.models import Dataset
    from models_inference.chunks import open_chunks
    from models_inference.errors import InferenceError
    from models_inference.inference import Job
    from models_inference.models import Classifier, InferenceJob

    dataset = Dataset.objects.filter(id=dataset_id).first()
    classifiers = list(Classifier.objects.filter(id__in=classifier_ids).select_related("dataset"))
    if dataset is None or not classifiers:
        return  # deleted since
    row = InferenceJob.objects.filter(dataset=dataset, classifiers=sorted(classifier_ids))
    invited = False

    def invite() -> None:
        nonlocal invited
        if not invited and open_chunks(dataset_id, classifier_ids):
            predict_dataset.delay(dataset_id, classifier_ids)
        invited = True

    try:
        Job(dataset, classifiers, "auto", lambda done, total: None).run(on_chunk=invite)
    except InferenceError as error:
        row.update(error=str(error), finished_at=timezone.now())
        return
    except Exception as error:
        row.update(error=f"{type(error).__name__}: {error}", finished_at=timezone.now())
        raise
    row.filter(finished_at=None).update(finished_at=timezone.now())
