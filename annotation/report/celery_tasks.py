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
from annotation.report.kept_comparison import remember, remember_failure, version_kept
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
    from annotation.report.loading import load_study
    from annotation.report.page.drawings import draw_all, version_of
    from annotation.report.page.making import for_readers

    try:
        study = load_study(campaign.dataset, *campaigns)
        report = report_of(campaign.dataset, *campaigns, study=study)
        text = text_of(report)
        keep(text, campaigns, study)
        del study  # it is most of what the memory holds
        draw_all(version_of(text), charts_of(for_readers(report, campaign.dataset)))
    except Exception as error:
        log.exception("The report of %s failed; the kept one stays.", campaign.slug)
        keep_failure(campaigns, error)


@shared_task
def compare_studies(first_id: int, second_id: int) -> None:
    """Compare the studies that two campaigns belong to, and remember it with its charts.

    It belongs to the reports kept at its beginning: where one was computed since, the next
    visitor has the comparison computed again.
    """
    campaigns = [Campaign.objects.filter(pk=pk).first() for pk in (first_id, second_id)]
    first, second = (study_of(each.dataset, each) if each else None for each in campaigns)
    if first is None or second is None or (version := version_kept(first, second)) is None:
        return
    # A page that queues needs no scipy.
    from annotation.report.charts.differences import charts_of_differences
    from annotation.report.comparison_document import comparison_of
    from annotation.report.document import text_of
    from annotation.report.page.compared import names_of
    from annotation.report.page.drawings import draw_all

    try:
        compared = comparison_of(first, second)
        draw_all(version, charts_of_differences(compared, names_of(compared)))
        remember(version, text_of(compared))
    except Exception as error:
        log.exception("The comparison of campaigns %s and %s failed.", first_id, second_id)
        remember_failure(version, error)


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
