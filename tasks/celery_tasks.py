"""Work of the queue `default`: the nightly aggregation. Tasks take ids and may be repeated."""

import logging

from celery import shared_task

from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.results import aggregate

log = logging.getLogger(__name__)


@shared_task
def aggregate_campaigns() -> None:
    """Queue an aggregation of every campaign that may have new answers."""
    for pk in Campaign.objects.exclude(state=State.DRAFT).values_list("pk", flat=True):
        aggregate_campaign.delay(pk)


@shared_task
def aggregate_campaign(campaign_id: int) -> None:
    """Aggregate one campaign."""
    aggregate(Campaign.objects.get(pk=campaign_id))
