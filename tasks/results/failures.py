"""Failures of the nightly aggregation, kept in the campaign's log."""

from django.db import connection

from tasks.models import Campaign, Transition

SUBJECT, FAILED = "aggregation", "failed"
LONGEST = 1000  # characters


def record_failure(campaign: Campaign, error: Exception) -> None:
    """Log that an aggregation failed, and why; does nothing if the campaign was deleted."""
    connection.close_if_unusable_or_obsolete()  # the connection itself may have failed
    if Campaign.objects.filter(pk=campaign.pk).exists():
        why = f"{type(error).__name__}: {error}".replace("\0", "")
        Transition.objects.create(
            campaign=campaign,
            subject=SUBJECT,
            after=FAILED,
            who="nightly aggregation",
            why=why[:LONGEST],
        )


def last_failure(campaign: Campaign) -> Transition | None:
    """The newest failure, if no run has succeeded since."""
    failed = Transition.objects.filter(campaign=campaign, subject=SUBJECT, after=FAILED).first()
    if failed is None or campaign.runs.filter(started_at__gt=failed.at).exists():
        return None
    return failed
