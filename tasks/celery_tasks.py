"""Work of the queue `default`: syncs every few minutes, aggregation every night.

Tasks take ids and may be repeated.
"""

import logging
from datetime import timedelta

from celery import shared_task
from django.db.models import Max
from django.utils import timezone

from tasks.crowds import CrowdError
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.results import aggregate
from tasks.sync import sync

log = logging.getLogger(__name__)
SETTLED = timedelta(days=40)  # a closed campaign: by then nothing more can come of it


@shared_task
def aggregate_campaigns() -> None:
    """Queue an aggregation of every campaign that may have new answers."""
    for pk in Campaign.objects.exclude(state=State.DRAFT).values_list("pk", flat=True):
        aggregate_campaign.delay(pk)


@shared_task
def aggregate_campaign(campaign_id: int) -> None:
    """Aggregate one campaign."""
    aggregate(Campaign.objects.get(pk=campaign_id))


@shared_task
def sync_campaigns() -> None:
    """Queue a sync of every published campaign, but of those closed long ago."""
    published = Campaign.objects.exclude(state=State.DRAFT).exclude(published_at=None)
    moved = published.annotate(last=Max("transitions__at"))
    for pk, state, last in moved.values_list("pk", "state", "last"):
        if state != State.CLOSED or last is None or last > timezone.now() - SETTLED:
            sync_campaign.apply_async([pk], expires=300)


@shared_task
def sync_campaign(campaign_id: int) -> None:
    """Sync one campaign; what cannot be reached now is tried again by the next."""
    campaign = Campaign.objects.get(pk=campaign_id)
    try:
        done = sync(campaign)
    except CrowdError as error:
        log.warning("sync of %s: %s", campaign.slug, error)
        return
    for text in [*done.troubles, *done.differences]:
        log.warning("sync of %s: %s", campaign.slug, text)
