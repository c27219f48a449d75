"""Background work on pictures."""

from celery import shared_task

from imagesets import import_jobs
from imagesets.derivatives import made
from imagesets.models import Image


@shared_task
def make_derivatives(image_ids: list[int]) -> None:
    """Make the tiles and full sizes of these images ahead of workers; what is there is kept."""
    for image in Image.objects.filter(id__in=image_ids).iterator(chunk_size=200):
        made(image)


@shared_task
def run_import(job_id: int) -> None:
    """Do an import that was started in the admin; one that is done or running is left alone."""
    import_jobs.run(job_id)
