"""Work of the queue `default`: after an aggregation a study's images are laid out again."""

from typing import Any

from celery import shared_task
from celery.signals import task_success

from annotation.explorer.keeping import keep, keep_failure
from annotation.report.campaigns import Campaigns
from imagesets.models import Dataset
from tasks.celery_tasks import aggregate_campaign
from tasks.models import Campaign
from tasks.models.campaign import Kind, State


@shared_task
def keep_study(dataset_id: int, campaign_id: int | None) -> None:
    """Keep the columns of the study whose last campaign this is; None: of the dataset's images.

    A failure leaves what is kept in place and stands in the campaign's log.
    """
    dataset = Dataset.objects.filter(pk=dataset_id).first()
    campaign = None
    if campaign_id is not None:
        campaign = Campaign.objects.filter(pk=campaign_id).first()
        if campaign is None:
            return
    if dataset is None:
        return
    _keep(dataset, _study_ending_with(campaign))


@shared_task
def keep_studies_of(campaign_id: int) -> None:
    """The same for every study that a campaign, just aggregated, belongs to."""
    campaign = Campaign.objects.select_related("dataset", "source").filter(pk=campaign_id).first()
    if campaign is None:
        return
    campaign = campaign.adds_to or campaign
    follow_ups = list(campaign.followed_by.exclude(state=State.DRAFT))
    for last in follow_ups or [campaign]:
        _keep(campaign.dataset, _study_ending_with(last))


def _study_ending_with(campaign: Campaign | None) -> Campaigns:
    if campaign is not None and campaign.kind == Kind.CLASSIFY:
        return campaign.source, campaign
    return campaign, None


def _keep(dataset: Dataset, campaigns: Campaigns) -> None:
    try:
        keep(dataset, campaigns)
    except Exception as error:
        keep_failure(dataset, campaigns, error)


@task_success.connect
def queue_after_nightly_aggregation(sender: Any, **event: object) -> None:
    """The queue's own aggregations know nothing of the explorer."""
    if sender.name == aggregate_campaign.name:
        keep_studies_of.delay(*sender.request.args)
