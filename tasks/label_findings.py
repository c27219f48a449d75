"""What the lint says of the labels that a campaign asks about, before workers see them."""

from django.db import connection

from imagesets.imagenet import ClassEntry
from imagesets.label_lint import Finding, lint, some
from imagesets.models import Label
from models_inference.candidates import candidate_sql
from tasks.freezing import DEFAULT_CANDIDATES, chosen_images
from tasks.models import Campaign, CampaignLabel

NAMED = 3  # findings that a sentence tells of


def label_findings(campaign: Campaign) -> tuple[int, list[Finding]]:
    """How many labels a campaign asks about, and what may confuse workers, the worst first.

    Of a published one the texts that were frozen; of a draft those that would be: for one with a
    source, of all labels that its source asked about. Raises tasks.refused.Refused or ValueError
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
        **DEFAULT_CANDIDATES | (campaign.candidates or {}),
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT label_id FROM ({sql}) AS candidates", parameters)
        return [row[0] for row in cursor.fetchall()]


def in_a_sentence(labels: int, findings: list[Finding]) -> str:
    """The findings' number and the first few; "" where there are none."""
    if not findings:
        return ""
    first = "; ".join(f"{one.text} ({some(one.keys)})" for one in findings[:NAMED])
    more = "" if len(findings) <= NAMED else f"; and {len(findings) - NAMED:,} more"
    return f"Workers may confuse some of the {labels:,} labels asked about: {first}{more}."
