"""Has the pictures that a published campaign shows made ahead of its workers."""

import logging

from django.db import transaction

from imagesets.celery_tasks import make_derivatives
from tasks.models import Campaign, HITItem

CHUNK = 200  # images of one message
log = logging.getLogger(__name__)


def make_pictures_ahead(campaign: Campaign) -> None:
    """Once the transaction commits, queue the pictures of all that the campaign's HITs show.

    Where the queue cannot be reached nothing fails: a picture that is not there is made when a
    worker's page first asks for it.
    """
    transaction.on_commit(lambda: _queue(campaign.pk), robust=True)


def _queue(campaign_id: int) -> None:
    images = list(
        HITItem.objects.filter(hit__campaign=campaign_id)
        .order_by("image_id")
        .values_list("image_id", flat=True)
        .distinct()
    )
    for start in range(0, len(images), CHUNK):
        try:
            make_derivatives.apply_async((images[start : start + CHUNK],), retry=False)
        except Exception as error:  # kombu's, redis's and the system's own
            log.warning("Pictures are not made ahead: the queue cannot be reached (%s).", error)
            return
