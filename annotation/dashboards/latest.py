"""A campaign's latest answers as pictures, and what workers wrote."""

from dataclasses import dataclass

from django.urls import reverse

from annotation.drawn.answer import draw
from annotation.drawn.picture import Drawn
from tasks.models import Assignment, Campaign
from tasks.models.campaign import Kind

SHOWN = 4  # answers
PICTURES = 8  # of an answer
COMMENTS = 5


@dataclass(frozen=True)
class Latest:
    """An answer in short: its pictures with what was said of each, and what it says in all."""

    assignment: Assignment
    pictures: list[tuple[Drawn, str]]
    summary: str

    @property
    def address(self) -> str:
        return reverse("admin:tasks_assignment_change", args=[self.assignment.pk])


def latest_answers(campaign: Campaign) -> list[Latest]:
    """The newest first. CONTAINS shows what was selected, CLASSIFY each picture's main label."""
    rows = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False, imported=False)
    newest = rows.select_related("worker", "hit", "campaign").order_by("-submitted_at", "-pk")
    return [_short(assignment) for assignment in newest[:SHOWN]]


def _short(assignment: Assignment) -> Latest:
    answer = draw(assignment)
    if assignment.campaign.kind == Kind.CONTAINS:
        tiles = [(section.name, tile) for section in answer.sections for tile in section.tiles]
        chosen = [(tile.picture, name) for name, tile in tiles if tile.said == "selected"]
        return Latest(
            assignment, chosen[:PICTURES], f"{len(chosen)} of {len(tiles)} tiles selected"
        )
    pictures = [
        (form.picture, next((choice.name for choice in form.choices if choice.main), form.said))
        for form in answer.forms
    ]
    return Latest(assignment, pictures[:PICTURES], f"{len(answer.forms)} pictures")


def latest_comments(campaign: Campaign) -> list[Assignment]:
    """The newest answers whose worker wrote a comment."""
    rows = Assignment.objects.filter(campaign=campaign).exclude(comment="")
    return list(rows.select_related("worker").order_by("-submitted_at", "-pk")[:COMMENTS])
