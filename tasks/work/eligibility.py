"""Whom earlier campaigns of the same crowd keep out, or alone let in (rule V10)."""

from enum import Enum

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tasks.models import Assignment, Campaign, Worker
from tasks.models.assignment import AssignmentState

# Whoever has answered, or has a HIT open, has seen its pictures.
SEEN = Q(submitted_at__isnull=False) | Q(state=AssignmentState.OPEN)


class Eligibility(Enum):
    """Whether a worker's earlier work lets them in."""

    ELIGIBLE = "eligible"
    EXCLUDED = "excluded"  # they have worked on a campaign of `exclude_workers_of`
    NOT_AMONG = "not among"  # they have answered nothing in those of `only_workers_of`


KEPT_OUT = {
    Eligibility.EXCLUDED: _(
        "You have worked on another study that goes together with this one, so we have no work for"
        " you here. Thank you for coming."
    ),
    Eligibility.NOT_AMONG: _(
        "This study is for people who have worked on certain earlier studies, so we have no work"
        " for you here. Thank you for coming."
    ),
}


def eligibility(campaign: Campaign, worker: Worker | None) -> Eligibility:
    """Whether the worker may do the campaign's work; None: somebody who is still to come."""
    worked = Assignment.objects.filter(worker=worker, campaign__crowd=campaign.crowd)
    if campaign.exclude_workers_of and worker is not None:
        excluding = worked.filter(SEEN, campaign__slug__in=campaign.exclude_workers_of)
        if excluding.exclude(campaign=campaign).exists():
            return Eligibility.EXCLUDED
    if campaign.only_workers_of:
        letting_in = worked.filter(
            submitted_at__isnull=False, campaign__slug__in=campaign.only_workers_of
        )
        if worker is None or not letting_in.exists():
            return Eligibility.NOT_AMONG
    return Eligibility.ELIGIBLE


def is_eligible(campaign: Campaign, worker: Worker | None) -> bool:
    """Whether nothing of `eligibility` keeps the worker out."""
    return eligibility(campaign, worker) == Eligibility.ELIGIBLE
