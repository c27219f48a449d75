"""What is there twice among the images that a campaign asks about, before money is spent."""

from typing import Any

from django.db.models import QuerySet

from imagesets.duplicates import duplicates, in_short
from imagesets.models import Comparison, Image
from tasks.freezing import chosen_images
from tasks.models import Campaign, CampaignImage

NAMED = 2  # groups that a sentence tells of


def image_findings(campaign: Campaign) -> str:
    """Identical and like images of a campaign in a sentence; "" where there are none.

    Of a published one the images that are asked; of a draft those that it chooses. Raises
    tasks.refused.Refused where a draft's images cannot be.
    """
    images = _asked(campaign)
    kept = Comparison.objects.filter(dataset=campaign.dataset, images=images.count()).first()
    if kept and kept.images == campaign.dataset.images.count():  # all of them are asked
        identical, alike = kept.identical, kept.alike
    else:
        identical, alike = map(in_short, duplicates(images))
    told = [
        _told(groups, what)
        for groups, what in ((identical, "are the same files"), (alike, "look alike"))
        if groups["n"]
    ]
    return f"Of its images {' and '.join(told)}: each is asked about and paid for." if told else ""


def _asked(campaign: Campaign) -> QuerySet[Image]:
    asked = CampaignImage.objects.filter(campaign=campaign, asked=True)
    if asked.exists():
        return Image.objects.filter(id__in=asked.values("image"))
    if campaign.images == "all":
        return campaign.dataset.images.all()
    return Image.objects.filter(id__in=chosen_images(campaign))


def _told(groups: dict[str, Any], what: str) -> str:
    first = "; ".join(", ".join(keys[:3]) for keys in groups["first"][:NAMED])
    word = "group" if groups["n"] == 1 else "groups"
    more = "; ..." if groups["n"] > NAMED else ""
    return f"{groups['images']:,} in {groups['n']:,} {word} {what} ({first}{more})"
