"""What a person should look at before they publish a draft."""

import hashlib

from django.core.cache import cache

from tasks.campaigns.findings import confusing_labels, other_findings
from tasks.models import Campaign
from tasks.models.campaign_settings import SETTINGS
from tasks.models.refused import Refused

MOST_IMAGES = 5000  # a draft of more has its findings on the page "Check and publish" alone
KEPT = 10 * 60  # seconds


def findings_of(campaign: Campaign) -> list[str]:
    """What may go wrong with a draft, a sentence each; what keeps it from publishing is none."""
    try:
        confusing = confusing_labels(campaign)
        return [confusing, *other_findings(campaign)] if confusing else other_findings(campaign)
    except (Refused, ValueError):  # publishing will say why
        return []


def findings_at_hand(draft: Campaign) -> list[str]:
    """The same, as it was some minutes ago, for other pages; nothing of large drafts."""

    def found() -> list[str]:
        return findings_of(draft) if draft.dataset.images.count() <= MOST_IMAGES else []

    settings = repr([getattr(draft, name) for name in SETTINGS])
    key = f"findings-{draft.pk}-{hashlib.sha256(settings.encode()).hexdigest()[:24]}"
    return cache.get_or_set(key, found, KEPT) or []
