"""Warns a researcher of confusing labels and duplicate images before they cost money."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from imagesets.labels.imagenet import ClassEntry
from imagesets.labels.lint import Finding, lint, some
from imagesets.models import Comparison, Image, Label
from imagesets.pictures.duplicates import duplicates, in_short
from tasks.campaigns.asked import labels_of_draft
from tasks.campaigns.choosing import chosen_images
from tasks.crowds import crowd_of
from tasks.models import HIT, Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.campaign import OpenTo
from tasks.models.campaign_settings import TEXTS
from tasks.models.spoken import all_languages_of

LABELS_NAMED = 3  # findings about labels that a sentence lists
GROUPS_NAMED = 2  # groups of images that a sentence lists


def label_findings(campaign: Campaign) -> tuple[int, list[Finding]]:
    """How many labels a campaign asks about, and what may confuse workers, the worst first.

    Only labels of what it asks, not of its controls or practice. For a published campaign this
    reads the frozen texts. Raises Refused or ValueError if a draft's settings are invalid.
    """
    if rows := _frozen_labels(campaign):
        asked = [
            ClassEntry(row.label.key, tuple(row.names), row.definition, tuple(row.wikipedia), "")
            for row in rows
        ]
        return len(asked), lint(asked)
    labels = labels_of_draft(campaign)
    return len(labels), lint(labels)


def language_findings(campaign: Campaign) -> str:
    """What its pages lack of the languages that they are shown in, in sentences; "" if nothing.

    Raises as `label_findings`.
    """
    labels: Sequence[CampaignLabel | Label] = _frozen_labels(campaign) or labels_of_draft(campaign)
    translations = [label.translations for label in labels]
    named = Counter(code for each in translations for code in each if "names" in each[code])
    plain = min(campaign.languages, key=lambda code: named[code])  # of names that are given once
    given = {name: all_languages_of(getattr(campaign, name), campaign.languages) for name in TEXTS}
    sentences = []
    for code in campaign.languages:
        parts = []
        lacking = len(labels) - named[code]
        if lacking and (named[code] or code != plain):
            parts.append(f"{lacking:,} of {len(labels):,} labels (names_{code})")
        parts += [
            f"its {name.replace('_', ' ')}"
            for name, texts in given.items()
            if texts and code not in {text.language for text in texts}
        ]
        if parts:
            sentences.append(
                f"Workers who read {code} find another language in {', '.join(parts)}."
            )
    return " ".join(sentences)


def confusing_labels(campaign: Campaign) -> str:
    """Its label findings in a sentence; "" if there are none. Raises as `label_findings`."""
    return in_a_sentence(*label_findings(campaign))


def other_findings(campaign: Campaign) -> list[str]:
    """What else may go wrong with it, a sentence each. Raises as `label_findings`."""
    found = (
        image_findings(campaign),
        contact_findings(campaign),
        reward_findings(campaign),
        language_findings(campaign),
    )
    return [sentence for sentence in found if sentence]


def _frozen_labels(campaign: Campaign) -> list[CampaignLabel]:
    """The labels of a published campaign's pairs, those that only its controls show left out."""
    asked = Pair.objects.filter(campaign=campaign).exclude(sources=["control"])
    frozen = CampaignLabel.objects.filter(campaign=campaign, label__in=asked.values("label"))
    return list(frozen.select_related("label"))


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


def reward_findings(campaign: Campaign) -> str:
    """That people who come for money would get none; "" if they get some.

    For a published campaign by its HITs, for a draft by its settings.
    """
    if not crowd_of(campaign).pays:
        return ""
    unpaid = HIT.objects.filter(campaign=campaign, reward=0)
    asked = campaign.reward if campaign.reward is not None else campaign.wage
    if asked and not unpaid.exists():
        return ""
    return "Its reward is $0.00: people who work for money will hardly take it."


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
