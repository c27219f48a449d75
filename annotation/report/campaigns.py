"""Which campaigns make up the study that a report speaks of."""

from typing import Any

from django.http import Http404

from annotation.rights.rules import visible
from imagesets.models import Dataset
from tasks.campaigns.asked import without_discarded
from tasks.models import Campaign
from tasks.models.campaign import Kind, State


class NoStudy(Exception):
    """There is nothing to report; the message says what is missing and what to name."""


Campaigns = tuple[Campaign | None, Campaign | None]
"""A study's CONTAINS and CLASSIFY campaign, of which one may be missing."""


def study_of(dataset: Dataset, campaign: Campaign | None = None) -> Campaigns:
    """The campaigns of a study.

    `campaign`: one of the two, or one that adds to the first; by default the newest CONTAINS
    campaign that has ended and adds to no other. Its follow-up is the newest that is no draft.
    A draft that was closed is neither. Raises NoStudy.
    """
    if campaign is None:
        ended = Campaign.objects.filter(
            dataset=dataset,
            kind=Kind.CONTAINS,
            state__in=[State.FINISHED, State.CLOSED],
            adds_to=None,
        )
        campaign = without_discarded(ended).first()  # the newest
        if campaign is None:
            raise NoStudy(
                f"dataset {dataset.slug} has no CONTAINS campaign that is finished or closed: name"
                " the campaign to report on"
            )
    if campaign.dataset_id != dataset.pk:
        raise NoStudy(f"campaign {campaign.slug} is not of dataset {dataset.slug}")
    if campaign.kind == Kind.CLASSIFY:
        return campaign.source, campaign
    campaign = campaign.adds_to or campaign
    follow_ups = Campaign.objects.filter(source=campaign).exclude(state=State.DRAFT)
    return campaign, without_discarded(follow_ups).first()


def study_seen(user: Any, dataset: Dataset, slug: str | None = None) -> Campaigns:
    """The campaigns of a study that the user sees whole; `slug`: of one of them.

    Raises NoStudy, and Http404 where the user does not see them.
    """
    seen = visible(user, Campaign.objects.filter(dataset=dataset))
    campaign = None
    if slug is not None and (campaign := seen.filter(slug=slug).first()) is None:
        raise Http404(f"Dataset {dataset.slug} has no campaign {slug}.")
    campaigns = study_of(dataset, campaign)
    asked = [each.pk for each in campaigns if each is not None]
    if seen.filter(pk__in=asked).count() < len(asked):
        raise Http404
    return campaigns


def study_of_slug(user: Any, slug: str) -> Campaigns:
    """The study that a campaign of this slug belongs to. Raises Http404 unless the user sees it."""
    campaign = visible(user, Campaign.objects.filter(slug=slug)).first()
    if campaign is None:
        raise Http404(f"There is no campaign {slug}.")
    return study_seen(user, campaign.dataset, slug)


def studies_seen(user: Any) -> list[Campaigns]:
    """Every study that the user sees whole and that has results, the newest first."""
    aggregated = Campaign.objects.filter(runs__isnull=False).distinct()
    every = list(visible(user, aggregated.select_related("dataset", "source__dataset")))
    seen = {campaign.pk: campaign for campaign in every}
    follow_ups = Campaign.objects.exclude(source=None).exclude(state=State.DRAFT)
    followed = set(without_discarded(follow_ups).values_list("source", flat=True))
    studies: list[Campaigns] = []
    for campaign in every:
        if campaign.kind == Kind.CLASSIFY:
            if campaign.source_id is None or campaign.source_id in seen:
                studies.append((campaign.source, campaign))
        elif campaign.adds_to_id is None and campaign.pk not in followed:
            studies.append((campaign, None))
    return studies
