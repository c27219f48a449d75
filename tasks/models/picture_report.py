"""Pictures that workers report: disturbing or private ones, that nobody should have to see."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from imagesets.models import Image, Label
from tasks.models.assignment import Assignment
from tasks.models.campaign import Campaign
from tasks.models.worker import Worker

LONGEST_REASON = 200  # characters


class PictureReport(models.Model):
    """A worker reported a picture, which is hidden from them from then on (rule V8).

    It stands whatever becomes of their work. `label`: what CONTAINS asked about the picture.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="picture_reports", db_index=False
    )
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="picture_reports")
    assignment = models.ForeignKey(
        Assignment, on_delete=models.SET_NULL, null=True, related_name="picture_reports"
    )
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(
        max_length=LONGEST_REASON, blank=True, default="", help_text="The worker's own words."
    )
    at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "image", "worker"], name="a_worker_reports_a_picture_once"
            ),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by="")
                | Q(resolved_at__gte=F("at")) & ~Q(resolved_by=""),
                name="whoever_resolves_a_report_is_named",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign"], condition=Q(resolved_at=None), name="picture_report_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.image_id} by {self.worker_id} in {self.campaign_id}"
