"""Practice: HITs of known answers that admit to a campaign, kept apart from all of its work (V7).

No result, export, place or round reads these tables, and these hold nothing of the study.
"""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from imagesets.models import Image, Label, new_public_id
from tasks.models.assignment import Assignment, positions
from tasks.models.campaign import Campaign
from tasks.models.draft import AnyDraft
from tasks.models.picture_report import PictureReport
from tasks.models.session import Session
from tasks.models.worker import Worker


class PracticeHIT(models.Model):
    """The pictures of one try, the same for everybody: frozen at publish."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="practice_hits", db_index=False
    )
    number = models.PositiveSmallIntegerField(help_text="Of the try, from 1.")
    expected_seconds = models.FloatField()
    reward = models.DecimalField(max_digits=7, decimal_places=2, help_text="US dollars for a try.")

    class Meta:
        verbose_name = "practice HIT"
        ordering = ["campaign", "number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="practice_number_once")
        ]

    def __str__(self) -> str:
        return f"practice {self.number} of {self.campaign_id}"


class PracticeItem(models.Model):
    """One picture under a label, and what is known of it."""

    hit = models.ForeignKey(
        PracticeHIT, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    position = models.PositiveSmallIntegerField(help_text="From 0, as laid out, not as shown.")
    section = models.PositiveSmallIntegerField()
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+")
    present = models.BooleanField()
    explanation = models.TextField(blank=True, default="", help_text="The known answer's own note.")

    class Meta:
        ordering = ["hit", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["hit", "position"], name="one_practice_item_per_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hit_id}[{self.position}]"


class PracticeTry(models.Model):
    """One worker's go at a practice HIT, and the answer; each of them is paid."""

    hit = models.ForeignKey(
        PracticeHIT, on_delete=models.PROTECT, related_name="tries", db_index=False
    )
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="practice_tries")
    session = models.ForeignKey(
        Session, on_delete=models.PROTECT, null=True, blank=True, related_name="practice_tries"
    )
    token = models.CharField(
        max_length=16,
        unique=True,
        default=new_public_id,
        help_text="The secret by which its worker opens and answers it.",
    )
    opened_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Until when the budget holds its pay; null: the campaign has no budget.",
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    shown = positions()
    selected = positions()
    maybe = positions()
    unseen = positions()
    right = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Items answered as is known, of those seen."
    )
    passed = models.BooleanField(null=True, blank=True)
    comment = models.TextField(blank=True, default="")
    active_seconds = models.FloatField(null=True, blank=True)
    choices_seen = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Digest of the choices in the newest draft; a change renews the time.",
    )

    class Meta:
        verbose_name_plural = "practice tries"
        ordering = ["submitted_at", "id"]
        constraints = [
            # Whatever is sent twice is one try, and paid once.
            models.UniqueConstraint(fields=["hit", "worker"], name="a_practice_hit_once"),
            models.CheckConstraint(
                condition=Q(submitted_at=None, passed=None, right=None)
                | Q(submitted_at__isnull=False, passed__isnull=False, right__isnull=False),
                name="a_try_is_judged_as_it_is_sent",
            ),
            models.CheckConstraint(
                condition=Q(selected__contained_by=F("shown"))
                & Q(maybe__contained_by=F("shown"))
                & Q(unseen__contained_by=F("shown"))
                & ~Q(selected__overlap=F("unseen"))
                & ~Q(selected__overlap=F("maybe"))
                & ~Q(maybe__overlap=F("unseen")),
                name="a_practice_item_has_one_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_id}: {self.worker_id}"

    @property
    def campaign(self) -> Campaign:
        return self.hit.campaign

    @property
    def reward(self) -> Decimal:
        return self.hit.reward

    @property
    def picture_reports(self) -> models.QuerySet[PictureReport]:
        """Those that came from its page, as an assignment's own."""
        return PictureReport.objects.filter(
            campaign=self.campaign,
            worker=self.worker_id,
            assignment=None,
            image__in=self.hit.items.values("image"),
        )

    @property
    def seen(self) -> int:
        """How many of its pictures the worker saw."""
        return len(self.shown) - len(self.unseen)


class PracticeDraft(AnyDraft):
    """The newest draft of a try."""

    attempt = models.OneToOneField(
        PracticeTry, on_delete=models.CASCADE, primary_key=True, related_name="draft"
    )

    def __str__(self) -> str:
        return f"{self.attempt_id} ({self.revision})"


Work = Assignment | PracticeTry  # what a worker opens, answers and is paid for
