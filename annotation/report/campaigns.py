"""Which campaigns make up the study that a report speaks of."""

from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.models.campaign import Kind, State


class NoStudy(Exception):
    """There is nothing to report; the message says what is missing and what to name."""


def study_of(
    dataset: Dataset, campaign: Campaign | None = None
) -> tuple[Campaign | None, Campaign | None]:
    """The CONTAINS and the CLASSIFY campaign, of which one may be missing.

    `campaign`: one of the two, or one that adds to the first; by default the newest CONTAINS
    campaign that has ended and adds to no other. Its follow-up is the newest that is no draft.
    Raises NoStudy.
    """
    if campaign is None:
        ended = Campaign.objects.filter(
            dataset=dataset,
            kind=Kind.CONTAINS,
            state__in=[State.FINISHED, State.CLOSED],
            adds_to=None,
        )
        campaign = ended.first()  # the newest
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
    return campaign, follow_ups.first()
