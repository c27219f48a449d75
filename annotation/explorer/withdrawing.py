"""Withdraws an image from everything, and brings it back: one function for pages and API alike."""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from annotation.rights import RESEARCH, may
from imagesets.models import Dataset, Image
from imagesets.pictures import withdrawing
from tasks.celery_tasks import aggregate_campaign
from tasks.models import Campaign
from tasks.work.withdrawing import carry_on_with, carry_on_without

log = logging.getLogger(__name__)


def images_for(user: Any, dataset: Dataset) -> QuerySet[Image]:
    """The dataset's images as the user sees them: withdrawn ones for researchers alone."""
    images = Image.objects.filter(dataset=dataset)
    return images if may(user, RESEARCH, dataset) else images.filter(withdrawn_at=None)


def withdraw(image: Image, who: str, why: str) -> list[Image]:
    """Withdraw an image, with the same file under other keys, from pages, campaigns and results.

    Results and reports follow in the queue. Returns the images that were not withdrawn before.
    """
    images = withdrawing.withdraw(image, who, why)
    _aggregate(carry_on_without(images, who, why))
    return images


def bring_back(image: Image, who: str, why: str) -> list[Image]:
    """Undo it; returns the images that were withdrawn before."""
    images = withdrawing.bring_back(image, who, why)
    _aggregate(carry_on_with(images, who, why))
    return images


def _aggregate(campaigns: Iterable[Campaign]) -> None:
    """Queue an aggregation of those with results; without a queue, the nightly job does it."""
    aggregated = [campaign for campaign in campaigns if campaign.runs.exists()]

    def queue() -> None:
        try:
            for campaign in aggregated:
                aggregate_campaign.delay(campaign.pk)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("No aggregation was queued after a withdrawal: %s", error)

    transaction.on_commit(queue)
