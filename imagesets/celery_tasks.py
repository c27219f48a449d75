"""Celery tasks: make the pictures that workers see, and run imports started in the admin."""

from celery import shared_task
from django.utils import timezone

from imagesets.importing import jobs
from imagesets.models import Image, ImportJob
from imagesets.pictures.derivatives import made


@shared_task
def make_derivatives(image_ids: list[int]) -> None:
    """Make the tiles and full sizes of these images, where missing, before workers ask for them."""
    for image in Image.objects.filter(id__in=image_ids).iterator(chunk_size=200):
        made(image)


@shared_task
def run_import(job_id: int) -> None:
    """Run an import; does nothing if it is done or running."""
    jobs.run(job_id)


def queue_import(job: ImportJob) -> None:
    """Queue an import, or a lost one again."""
    ImportJob.objects.filter(pk=job.pk).update(
        state=ImportJob.State.WAITING, heard_at=timezone.now(), error="", step="", done=0
    )
    run_import.delay(job.pk)
