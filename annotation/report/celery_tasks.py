"""Work of the queue `default`: after an aggregation the report is computed and kept."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import task_success
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from annotation.report.campaigns import study_of
from annotation.report.kept import keep, keep_failure, not_aggregated
from tasks.celery_tasks import aggregate_campaign
from tasks.models import Campaign

log = logging.getLogger(__name__)


@shared_task
def compute_report(campaign_id: int) -> None:
    """Compute and keep the report of the study that a campaign belongs to.

    It waits for the study's other campaign if that has never been aggregated. A failure leaves the
    kept report in place and stands in the log of the study's last campaign.
    """
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is None:
        return
    campaigns = study_of(campaign.dataset, campaign)
    if not_aggregated(campaigns):
        return
    # A page that queues needs no scipy.
    from annotation.report.charts import charts_of
    from annotation.report.document import report_of, text_of
    from annotation.report.page.drawings import draw_all, version_of
    from annotation.report.page.making import for_readers

    try:
        report = report_of(campaign.dataset, *campaigns)
        text = text_of(report)
        keep(text, campaigns)
        draw_all(version_of(text), charts_of(for_readers(report, campaign.dataset)))
    except Exception as error:
        log.exception("The report of %s failed; the kept one stays.", campaign.slug)
        keep_failure(campaigns, error)


def queue_report(campaign: Campaign) -> None:
    """Queue it once the aggregation is committed; without a queue, the nightly job will."""

    def queue() -> None:
        try:
            compute_report.delay(campaign.pk)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("No report of %s was queued: %s", campaign.slug, error)

    transaction.on_commit(queue)


@task_success.connect
def queue_after_nightly_aggregation(sender: Any, **event: object) -> None:
    """The queue's own aggregations know nothing of reports.

    To connect to the task itself would bind it before the project's Celery application is there.
    """
    if sender.name == aggregate_campaign.name:
        compute_report.delay(*sender.request.args)
