"""Failures of the nightly aggregation and of what follows it, kept in the campaign's log."""

from django.db import connection

from tasks.models import Campaign, Transition

SUBJECT, FAILED = "aggregation", "failed"
LONGEST = 1000  # characters


def record_failure(campaign: Campaign, error: Exception, subject: str = SUBJECT) -> None:
    """Log that a nightly aggregation (or another `subject`) failed, and why.

    Does nothing if the campaign was deleted.
    """
    connection.close_if_unusable_or_obsolete()  # the connection itself may have failed
    if Campaign.objects.filter(pk=campaign.pk).exists():
        why = f"{type(error).__name__}: {error}".replace("\0", "")
        Transition.objects.create(
            campaign=campaign,
            subject=subject,
            after=FAILED,
            who=f"nightly {subject}",
            why=why[:LONGEST],
        )


def last_failure(campaign: Campaign, subject: str = SUBJECT) -> Transition | None:
    """The newest failure, if no run has succeeded since."""
    failed = Transition.objects.filter(campaign=campaign, subject=subject, after=FAILED).first()
    if failed is None or campaign.runs.filter(started_at__gt=failed.at).exists():
        return None
    return failed
