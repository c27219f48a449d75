"""Aggregations that failed with nobody looking on, in the campaign's log."""

from django.db import connection

from tasks.models import Campaign, Transition

SUBJECT, FAILED = "aggregation", "failed"
LONGEST = 1000  # characters


def record_failure(campaign: Campaign, error: Exception) -> None:
    """Write down that an aggregation failed and why; no error if the campaign is gone meanwhile."""
    connection.close_if_unusable_or_obsolete()  # what failed may have been the connection
    if Campaign.objects.filter(pk=campaign.pk).exists():
        why = f"{type(error).__name__}: {error}".replace("\0", "")
        Transition.objects.create(
            campaign=campaign, subject=SUBJECT, after=FAILED, who="the night", why=why[:LONGEST]
        )


def last_failure(campaign: Campaign) -> Transition | None:
    """The newest failure, if no run has come about since."""
    failed = Transition.objects.filter(campaign=campaign, subject=SUBJECT, after=FAILED).first()
    if failed is None or campaign.runs.filter(started_at__gt=failed.at).exists():
        return None
    return failed
