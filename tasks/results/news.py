"""When a campaign last got answers that its results should hold."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest

from tasks.models import Assignment, Campaign, Transition

IMPORT, IMPORTED = "responses", "imported"  # subject and state of an import in a campaign's log


def with_news(campaigns: QuerySet[Campaign]) -> QuerySet[Any]:
    """The campaigns with `news`: when the last answer was sent or imported; null: there is none.

    An imported answer may have been sent long ago, or carry a time to come: its import counts.
    """
    of_campaign = {"campaign": OuterRef("pk")}
    sent = Assignment.objects.filter(**of_campaign, submitted_at__isnull=False, imported=False)
    imports = Transition.objects.filter(**of_campaign, subject=IMPORT, after=IMPORTED)
    return campaigns.annotate(
        news=Greatest(  # PostgreSQL passes over nulls
            Subquery(sent.order_by("-submitted_at").values("submitted_at")[:1]),
            Subquery(imports.order_by("-id").values("at")[:1]),
        )
    )
