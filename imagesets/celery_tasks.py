"""Background work on pictures."""

from celery import shared_task

from imagesets.derivatives import make_or_placeholder
from imagesets.models import Image


@shared_task
def make_derivatives(image_ids: list[int]) -> None:
    """Make the tiles and full sizes of these images ahead of workers; what is there is kept."""
    for image in Image.objects.filter(id__in=image_ids).iterator(chunk_size=200):
        make_or_placeholder(image, "tile")
