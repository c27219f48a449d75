"""Assignments by their token, the secret that only an assignment's worker was given."""

from tasks.models import Assignment, Campaign

LONGEST_TOKEN = 200  # characters


def assignment_of(token: str | None, campaign: Campaign) -> Assignment | None:
    """The campaign's assignment of that token, or None."""
    if not token or len(token) > LONGEST_TOKEN or not token.isprintable():
        return None
    found = Assignment.objects.select_related("worker", "draft")
    return found.filter(campaign=campaign, token=token).first()
