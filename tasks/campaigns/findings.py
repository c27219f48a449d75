"""What a researcher should know before a campaign costs money: confusing labels, doubled images."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from imagesets.labels.imagenet import ClassEntry
from imagesets.labels.lint import Finding, lint, some
from imagesets.models import Comparison, Image, Label
from imagesets.pictures.duplicates import duplicates, in_short
from models_inference.predictions.candidates import candidate_sql
from tasks.campaigns.choosing import chosen_images
from tasks.models import Campaign, CampaignImage, CampaignLabel

LABELS_NAMED = 3  # findings about labels that a sentence lists
GROUPS_NAMED = 2  # groups of images that a sentence lists


def label_findings(campaign: Campaign) -> tuple[int, list[Finding]]:
    """How many labels a campaign asks about, and what may confuse workers, the worst first.

    Of a published one the texts that were frozen; of a draft those that would be: for one with a
    source, of all labels that its source asked about. Raises Refused or ValueError
    where the draft's images or candidates cannot be.
    """
    rows = CampaignLabel.objects.filter(campaign=campaign).select_related("label")
    if not rows and campaign.source:
        rows = CampaignLabel.objects.filter(campaign=campaign.source).select_related("label")
    if rows:
        asked = [
            ClassEntry(row.label.key, tuple(row.names), row.definition, tuple(row.wikipedia), "")
            for row in rows
        ]
        return len(asked), lint(asked)
    labels = list(Label.objects.filter(id__in=_labels_of_draft(campaign)).order_by("key"))
    return len(labels), lint(labels)


def _labels_of_draft(campaign: Campaign) -> list[int]:
    """Ids of the labels in a draft's candidates."""
    sql, parameters = candidate_sql(
        campaign.dataset,
        image_ids=chosen_images(campaign),
        **campaign.candidates_or_default,
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT label_id FROM ({sql}) AS candidates", parameters)
        return [row[0] for row in cursor.fetchall()]


def in_a_sentence(labels: int, findings: list[Finding]) -> str:
    """The findings' number and the first few; "" where there are none."""
    if not findings:
        return ""
    first = "; ".join(f"{one.text} ({some(one.keys)})" for one in findings[:LABELS_NAMED])
    more = "" if len(findings) <= LABELS_NAMED else f"; and {len(findings) - LABELS_NAMED:,} more"
    return f"Workers may confuse some of the {labels:,} labels asked about: {first}{more}."


def image_findings(campaign: Campaign) -> str:
    """Identical and like images of a campaign in a sentence; "" where there are none.

    Of a published one the images that are asked; of a draft those that it chooses. Raises Refused
    where a draft's images cannot be.
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
    first = "; ".join(", ".join(keys[:3]) for keys in groups["first"][:GROUPS_NAMED])
    word = "group" if groups["n"] == 1 else "groups"
    more = "; ..." if groups["n"] > GROUPS_NAMED else ""
    return f"{groups['images']:,} in {groups['n']:,} {word} {what} ({first}{more})"
