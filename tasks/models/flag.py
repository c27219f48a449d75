"""Flags: what makes a worker's answers look like a machine's, or another's; for a person to judge.

A flag decides nothing: it rejects no answer, sets nobody aside and changes no result (rule V4).
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tasks.models.assignment import Assignment
from tasks.models.campaign import Campaign
from tasks.models.worker import Worker


class FlagKind(models.TextChoices):
    """What was seen."""

    ALIKE = "alike", "agrees too well with somebody of the same network"
    FAST = "fast", "answers come too fast from one network"
    HAND = "hand", "a machine's hand"
    REPORTS = "reports", "reports many pictures that nobody else does"
    YES = "yes", "nearly all yes"
    NO = "no", "nothing selected"
    LINE = "line", "always the first label"
    PACE = "pace", "too fast"


HABITS = (FlagKind.YES, FlagKind.NO, FlagKind.LINE, FlagKind.PACE)  # kept by each sync, too


class Flag(models.Model):
    """Evidence about a worker in a campaign, or about one assignment.

    Each aggregation replaces all of a campaign's; each sync that finds new answers, the habits.
    `evidence` is a sentence with the figures, and names no address.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="flags")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="flags")
    assignment = models.ForeignKey(
        Assignment, on_delete=models.CASCADE, null=True, blank=True, related_name="flags"
    )
    kind = models.CharField(max_length=7, choices=FlagKind.choices)
    evidence = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=FlagKind.values), name="flag_kind"),
            models.UniqueConstraint(
                fields=["campaign", "worker", "kind"],
                condition=Q(kind__in=HABITS),
                name="a_habit_is_flagged_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.worker_id} in {self.campaign_id}"
