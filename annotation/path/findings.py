"""What a person should look at before they publish a draft."""

import hashlib

from django.core.cache import cache

from tasks.campaigns.findings import (
    contact_findings,
    image_findings,
    in_a_sentence,
    label_findings,
    language_findings,
    reward_findings,
)
from tasks.models import Campaign
from tasks.models.campaign_settings import SETTINGS
from tasks.models.refused import Refused

MOST_IMAGES = 5000  # a draft of more has its findings on the page "Check and publish" alone
KEPT = 10 * 60  # seconds


def findings_of(campaign: Campaign) -> list[str]:
    """What may go wrong with a draft, a sentence each; what keeps it from publishing is none."""
    try:
        found = [
            in_a_sentence(*label_findings(campaign)),
            image_findings(campaign),
            contact_findings(campaign),
            reward_findings(campaign),
            language_findings(campaign),
        ]
    except (Refused, ValueError):  # publishing will say why
        return []
    return [sentence for sentence in found if sentence]


def findings_at_hand(draft: Campaign) -> list[str]:
    """The same, as it was some minutes ago, for other pages; nothing of large drafts."""

    def found() -> list[str]:
        return findings_of(draft) if draft.dataset.images.count() <= MOST_IMAGES else []

    settings = repr([getattr(draft, name) for name in SETTINGS])
    key = f"findings-{draft.pk}-{hashlib.sha256(settings.encode()).hexdigest()[:24]}"
    return cache.get_or_set(key, found, KEPT) or []
