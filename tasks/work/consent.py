"""Consent: whether a worker still has to agree to a campaign's text, and what they decide."""

from django.db import transaction

from tasks.models import Campaign, Consent, ConsentText, Worker
from tasks.models.spoken import Spoken, all_languages_of


def texts_asked(campaign: Campaign) -> dict[str, Spoken]:
    """By version, the texts of which workers must agree to one: it in each of its languages."""
    texts = all_languages_of(campaign.consent, campaign.languages)
    return {ConsentText.version_of(text): text for text in texts}


def version_asked(campaign: Campaign) -> str:
    """The version of the text in the page's language; "": the campaign asks none."""
    return ConsentText.version_of(campaign.texts.consent) if campaign.consent else ""


def is_due(campaign: Campaign, worker: Worker | None) -> bool:
    """Whether they have agreed to the campaign's present text in none of its languages (V6)."""
    if not campaign.consent:
        return False
    agreed = Consent.objects.filter(
        text__campaign=campaign,
        text__version__in=texts_asked(campaign),
        worker=worker,
        agreed=True,
    )
    return worker is None or not agreed.exists()


def decide(campaign: Campaign, worker: Worker, agreed: bool, version: str) -> None:
    """Keep the worker's decision about one of the campaign's present texts, with the text.

    The same decision once more is none.
    """
    words = texts_asked(campaign)[version]
    with transaction.atomic():
        text, _ = ConsentText.objects.get_or_create(
            campaign=campaign,
            version=version,
            defaults={"text": words},
        )
        last = text.decisions.filter(worker=worker).last()
        if last is None or last.agreed != agreed:
            text.decisions.create(worker=worker, agreed=agreed, language=words.language)
