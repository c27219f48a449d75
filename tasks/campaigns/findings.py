"""Warns a researcher of confusing labels and duplicate images before they cost money."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from imagesets.labels.imagenet import ClassEntry
from imagesets.labels.lint import Finding, lint, some
from imagesets.models import Comparison, Image, Label
from imagesets.pictures.duplicates import duplicates, in_short
from tasks.campaigns.choosing import candidate_rows, chosen_images
from tasks.crowds import crowd_of
from tasks.models import Campaign, CampaignImage, CampaignLabel
from tasks.models.campaign import OpenTo

LABELS_NAMED = 3  # findings about labels that a sentence lists
GROUPS_NAMED = 2  # groups of images that a sentence lists


def label_findings(campaign: Campaign) -> tuple[int, list[Finding]]:
    """How many labels a campaign asks about, and what may confuse workers, the worst first.

    For a published campaign this reads the frozen texts; for a draft with a source those frozen for
    its source; for another draft the texts of its candidates. Raises Refused or ValueError if the
    draft's images or candidates are invalid.
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
    sql, parameters = candidate_rows(campaign, chosen_images(campaign))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT label_id FROM ({sql}) AS candidates", parameters)
        return [row[0] for row in cursor.fetchall()]


def in_a_sentence(labels: int, findings: list[Finding]) -> str:
    """The first findings and how many more there are; "" if there are none."""
    if not findings:
        return ""
    first = "; ".join(f"{f.text} ({some(f.keys)})" for f in findings[:LABELS_NAMED])
    more = "" if len(findings) <= LABELS_NAMED else f"; and {len(findings) - LABELS_NAMED:,} more"
    return f"Workers may confuse some of the {labels:,} labels asked about: {first}{more}."


def contact_findings(campaign: Campaign) -> str:
    """That strangers would have nobody to write to; "" if they have."""
    strangers = crowd_of(campaign).door is not None and campaign.open == OpenTo.ANYONE
    if campaign.contact or not strangers:
        return ""
    return "Anyone may come to this campaign, and it names no contact, whom they can ask."


def image_findings(campaign: Campaign) -> str:
    """A campaign's identical and similar images in a sentence; "" if there are none.

    For a published campaign these are the images asked, for a draft those it chooses. Raises
    Refused if a draft's choice of images is invalid.
    """
    images = _asked(campaign)
    kept = Comparison.objects.filter(dataset=campaign.dataset, images=images.count()).first()
    if kept and kept.images == campaign.dataset.images.count():  # all of them are asked
        identical, alike = kept.identical, kept.alike
    else:
        identical, alike = map(in_short, duplicates(images))
    phrases = [
        _phrase(groups, what)
        for groups, what in ((identical, "are the same files"), (alike, "look alike"))
        if groups["n"]
    ]
    return (
        f"Of its images {' and '.join(phrases)}: each is asked about and paid for."
        if phrases
        else ""
    )


def _asked(campaign: Campaign) -> QuerySet[Image]:
    asked = CampaignImage.objects.filter(campaign=campaign, asked=True)
    if asked.exists():
        return Image.objects.filter(id__in=asked.values("image"))
    if campaign.images == "all" and campaign.adds_to_id is None:
        return campaign.dataset.images.all()
    return Image.objects.filter(id__in=chosen_images(campaign))


def _phrase(groups: dict[str, Any], what: str) -> str:
    first = "; ".join(", ".join(keys[:3]) for keys in groups["first"][:GROUPS_NAMED])
    word = "group" if groups["n"] == 1 else "groups"
    more = "; ..." if groups["n"] > GROUPS_NAMED else ""
    return f"{groups['images']:,} in {groups['n']:,} {word} {what} ({first}{more})"
