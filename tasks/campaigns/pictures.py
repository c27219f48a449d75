"""Queues the pictures of a published campaign, so that they exist before workers come."""

import logging

from django.db import transaction

from imagesets.celery_tasks import make_derivatives
from tasks.models import Campaign, HITItem

CHUNK = 200  # images in one message
log = logging.getLogger(__name__)


def make_pictures_ahead(campaign: Campaign) -> None:
    """Queue the pictures of all images in the campaign's HITs once the transaction commits.

    Nothing fails if the queue cannot be reached: a missing picture is made when a page first asks
    for it.
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
