"""Tasks of the queue `default`: syncs every few minutes, aggregation every night and at the end.

Tasks take ids and may be repeated.
"""

import logging
from datetime import timedelta

from celery import Task, shared_task
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from imagesets.clock import database_now
from tasks.crowds import CrowdError
from tasks.market.sync import sync
from tasks.market.synced import for_a_person
from tasks.models import Assignment, Campaign, Run, Transition
from tasks.models.campaign import State
from tasks.results import aggregate, record_failure
from tasks.results.failures import FAILED, SUBJECT
from tasks.results.news import with_news
from tasks.results.store import forget_deleted
from tasks.work.drafts import forget_old

log = logging.getLogger(__name__)
SETTLED = timedelta(days=40)  # after its close nothing more can happen to a campaign
TURN = 5  # seconds between two tries for the turn of a sync


@shared_task
def aggregate_campaigns() -> None:
    """Queue an aggregation of every campaign that may have new answers, and clean up.

    A campaign that is a draft has some if answers were imported.
    """
    answered = Assignment.objects.filter(campaign=OuterRef("pk"), submitted_at__isnull=False)
    campaigns = Campaign.objects.filter(~Q(state=State.DRAFT) | Exists(answered))
    for pk in campaigns.order_by("pk").values_list("pk", flat=True):
        aggregate_campaign.delay(pk)
    forget_deleted()
    forget_old()


@shared_task
def aggregate_campaign(campaign_id: int) -> None:
    """Aggregate one campaign, reading only new answers. One that was deleted is no error.

    A failure leaves the last results in place and is shown in the campaign's log and on its page;
    the next nightly job tries again.
    """
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is None:
        return
    try:
        aggregate(campaign)
    except Exception as error:
        log.exception("Aggregation of %s failed; its last results stay.", campaign.slug)
        record_failure(campaign, error)


def ended_without_results() -> QuerySet[Campaign]:
    """Campaigns that have ended and whose last run lacks answers, unless a later one failed."""
    of_campaign = {"campaign": OuterRef("pk")}
    since = OuterRef("news")
    failures = Transition.objects.filter(**of_campaign, subject=SUBJECT, after=FAILED)
    return with_news(Campaign.objects.filter(state__in=[State.FINISHED, State.CLOSED])).filter(
        ~Exists(Run.objects.filter(**of_campaign, started_at__gt=since)),
        ~Exists(failures.filter(at__gt=since)),
        news__isnull=False,
    )


@shared_task
def aggregate_ended() -> None:
    """Queue an aggregation of each campaign that has just ended: nobody waits for the night."""
    for pk in ended_without_results().values_list("pk", flat=True):
        aggregate_campaign.delay(pk)


@shared_task
def sync_campaigns() -> None:
    """Queue a sync of every published campaign except those closed long ago."""
    published = Campaign.objects.exclude(state=State.DRAFT).exclude(published_at=None)
    moved = published.annotate(last=Max("transitions__at"))
    now = database_now()
    for pk, state, last in moved.values_list("pk", "state", "last"):
        if state != State.CLOSED or last is None or last > now - SETTLED:
            sync_campaign.apply_async([pk], expires=300)


@shared_task(bind=True, max_retries=None)
def sync_campaign(self: Task, campaign_id: int, again_if_busy: bool = False) -> None:
    """Sync one campaign; the next sync tries again whatever fails now.

    Where another sync is running, a periodic one is dropped: the next comes within minutes. One
    that a person's step has queued (`again_if_busy`) comes back until it has had its turn, because
    the running sync may have looked at the campaign's state before that step.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    try:
        done = sync(campaign)
    except CrowdError as error:
        log.warning("Sync of %s: %s", campaign.slug, error)
        return
    if done.busy and again_if_busy:
        raise self.retry(countdown=TURN)
    for text in for_a_person(done):
        log.warning("Sync of %s: %s", campaign.slug, text)
