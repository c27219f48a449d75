"""A campaign's practice, for the researchers who run it: /campaigns/{slug}/practice/ (rule V7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.admin.widgets import thumbnail
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.models import Image
from tasks import money
from tasks.models import Campaign, CampaignLabel, PracticeItem, PracticeTry

DOUBTFUL = format_html('<strong class="text-important">{}</strong>', "everybody fails")
ENOUGH = 3  # people who failed at an item, all of them, before its known answer is doubted


@dataclass(frozen=True)
class Passed:
    """How many people began the practice, passed, or have no try left."""

    began: int
    passed: int
    at_once: int  # of those who passed, at the first try
    failed: int

    @property
    def under_way(self) -> int:
        return self.began - self.passed - self.failed


@dataclass(frozen=True)
class ItemRow:
    """An item of the practice, and how many of those who saw it were right."""

    image: Image
    label: str
    present: bool
    explanation: str
    number: int  # of the try
    seen: int
    right: int

    @property
    def fails_everybody(self) -> bool:
        return self.right == 0 and self.seen >= ENOUGH


def count_passed(campaign: Campaign) -> Passed:
    """How the campaign's workers came through the practice."""
    tries = PracticeTry.objects.filter(hit__campaign=campaign).order_by()
    passing = tries.filter(worker=OuterRef("worker"), passed=True)
    by_worker = tries.values("worker").annotate(
        passed_any=Exists(passing), sent=Count("pk", filter=Q(passed=False))
    )
    allowed = campaign.practice["tries"]
    rows = list(by_worker.values_list("passed_any", "sent"))
    return Passed(
        began=len(rows),
        passed=sum(passed for passed, _ in rows),
        at_once=sum(passed and not failed for passed, failed in rows),
        failed=sum(not passed and failed >= allowed for passed, failed in rows),
    )


_RIGHT = """
    SELECT i.id, count(t.id) FILTER (WHERE i.position <> ALL (t.unseen)),
           count(t.id) FILTER (WHERE i.position <> ALL (t.unseen)
             AND (i.position = ANY (t.selected)) = i.present)
    FROM tasks_practiceitem i
    JOIN tasks_practicehit h ON h.id = i.hit_id
    LEFT JOIN tasks_practicetry t ON t.hit_id = h.id AND t.submitted_at IS NOT NULL
    WHERE h.campaign_id = %s GROUP BY i.id
"""


def items_of(campaign: Campaign) -> list[ItemRow]:
    """The items of the campaign's practice, those that most people fail first."""
    with connection.cursor() as cursor:
        cursor.execute(_RIGHT, [campaign.pk])
        counts = {pk: (seen, right) for pk, seen, right in cursor.fetchall()}
    names = {row.label_id: str(row) for row in CampaignLabel.objects.filter(campaign=campaign)}
    items = PracticeItem.objects.filter(hit__campaign=campaign).select_related("image", "hit")
    rows = [
        ItemRow(
            image=item.image,
            label=names[item.label_id],
            present=item.present,
            explanation=item.explanation,
            number=item.hit.number,
            seen=counts[item.pk][0],
            right=counts[item.pk][1],
        )
        for item in items
    ]
    return sorted(rows, key=lambda row: (row.right / row.seen if row.seen else 1.0, -row.seen))


@needs(VIEW, Campaign)
@require_safe
@never_cache
def campaign_practice(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """How many passed, and which items fail everybody, with their pictures."""
    items = items_of(campaign)
    context = {
        **admin.site.each_context(request),
        "title": f"Practice of {campaign.name}",
        "campaign": campaign,
        "figures": _figures(campaign, count_passed(campaign)) if campaign.practice else (),
        "doubtful": [item for item in items if item.fails_everybody],
        "items": items,
        "table": _table(items),
        "progress_page": reverse("campaign-progress", args=[campaign.slug]),
        "is_out_of_money": _is_out_of_money(campaign),
    }
    return TemplateResponse(request, "pages/practice.html", context)


def _figures(campaign: Campaign, people: Passed) -> Sequence[tuple[str, str, str]]:
    """(title, figure, note) for each of the page's cards."""
    hits = list(campaign.practice_hits.all())
    items, tries = campaign.practice["items"], campaign.practice["tries"]
    pays = f"each pays {campaign.as_money(hits[0].reward)}" if hits else "nothing is laid out yet"
    share = f"{people.passed / people.began:.0%} of them" if people.began else "-"
    return [
        ("Began", f"{people.began:,}", f"{people.under_way:,} under way"),
        ("Passed", f"{people.passed:,}", f"{share}, {people.at_once:,} at the first try"),
        ("Failed", f"{people.failed:,}", "paid for their tries; they get no work"),
        (
            "Asks",
            f"{campaign.practice['pass']:.0%} of {items}",
            f"{tries} {'try' if tries == 1 else 'tries'}, {pays}",
        ),
    ]


def _table(items: Sequence[ItemRow]) -> dict[str, Sequence]:
    rows = [
        [
            thumbnail(item.image, height=96),
            item.image.key,
            item.label,
            "present" if item.present else "absent",
            item.number,
            f"{item.right:,} of {item.seen:,}",
            DOUBTFUL if item.fails_everybody else "",
            item.explanation,
        ]
        for item in items
    ]
    return {
        "headers": ["", "image", "label", "known to be", "try", "right", "", "explanation"],
        "rows": rows,
    }


def _is_out_of_money(campaign: Campaign) -> bool:
    """Whether the budget carries no further try, so that nobody new can begin."""
    if campaign.budget is None or (hit := campaign.practice_hits.first()) is None:
        return False
    return bool(money.over(campaign, money.price(campaign, hit)))


urlpatterns = [path("campaigns/<slug:slug>/practice/", campaign_practice, name="campaign-practice")]
