"""Consent: whether a worker still has to agree to a campaign's text, and what they decide."""

from django.db import transaction

from tasks.models import Campaign, Consent, ConsentText, Worker


def version_asked(campaign: Campaign) -> str:
    """The version of the text that workers must agree to now; "": the campaign asks none."""
    return ConsentText.version_of(campaign.consent) if campaign.consent else ""


def is_due(campaign: Campaign, worker: Worker | None) -> bool:
    """Whether they have not agreed to the campaign's present text (rule V6)."""
    if not (version := version_asked(campaign)):
        return False
    agreed = Consent.objects.filter(
        text__campaign=campaign, text__version=version, worker=worker, agreed=True
    )
    return worker is None or not agreed.exists()


def decide(campaign: Campaign, worker: Worker, agreed: bool, language: str) -> None:
    """Keep the worker's decision about the campaign's present text, with the text.

    The same decision once more is none.
    """
    with transaction.atomic():
        text, _ = ConsentText.objects.get_or_create(
            campaign=campaign,
            version=version_asked(campaign),
            defaults={"text": campaign.consent},
        )
        last = text.decisions.filter(worker=worker).last()
        if last is None or last.agreed != agreed:
            text.decisions.create(worker=worker, agreed=agreed, language=language)
