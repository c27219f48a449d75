"""Work and sessions by their tokens, the secrets that only their workers were given."""

from tasks.models import Assignment, Campaign, PracticeTry, Session, Work

LONGEST_TOKEN = 200  # characters


def assignment_of(token: str | None, campaign: Campaign) -> Assignment | None:
    """The campaign's assignment of that token, or None."""
    if not _may_be_one(token):
        return None
    found = Assignment.objects.select_related("worker", "draft", "session")
    return found.filter(campaign=campaign, token=token).first()


def try_of(token: str | None, campaign: Campaign) -> PracticeTry | None:
    """The try of that token at the campaign's practice, or None."""
    if not _may_be_one(token):
        return None
    found = PracticeTry.objects.select_related("worker", "draft", "hit__campaign")
    return found.filter(hit__campaign=campaign, token=token).first()


def work_of(token: str | None, campaign: Campaign) -> Work | None:
    """The campaign's assignment or try of that token, or None."""
    return assignment_of(token, campaign) or try_of(token, campaign)


def session_of(token: str | None, campaign: Campaign) -> Session | None:
    """The campaign's session of that token, or None."""
    if not _may_be_one(token):
        return None
    found = Session.objects.select_related("worker", "campaign")
    return found.filter(campaign=campaign, token=token).first()


def _may_be_one(token: str | None) -> bool:
    return bool(token and len(token) <= LONGEST_TOKEN and token.isprintable())
