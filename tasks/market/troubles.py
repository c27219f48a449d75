"""What went wrong at a campaign's last sync: kept until one goes through."""

from collections.abc import Sequence

from imagesets.clock import Now
from tasks.models import Campaign

KEPT, LONGEST = 20, 500  # sentences, characters


def keep_troubles(campaign: Campaign, troubles: Sequence[str]) -> None:
    """Keep these in place of what an earlier sync ran into; none: it went through."""
    kept = [text.replace("\0", "")[:LONGEST] for text in troubles[:KEPT]]
    if len(troubles) > KEPT:
        kept.append(f"and {len(troubles) - KEPT:,} more")
    Campaign.objects.filter(pk=campaign.pk).update(
        troubles=kept, troubled_at=Now() if kept else None
    )
