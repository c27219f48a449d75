"""Sessions: what a person is promised and paid for where work is paid by the session (rule S1).

Base pay, bonuses and the outcome are separate facts: the first two are Payments, `outcome` is the
site's own record, and `market_state` what the marketplace says.
"""

from enum import StrEnum

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from imagesets.models import new_public_id
from tasks.models.campaign import Campaign
from tasks.models.transition import Transition
from tasks.models.worker import Worker


class SessionOutcome(models.TextChoices):
    """How a session ended, as the site knows it."""

    RUNNING = "", "running"
    DONE = "done", "done"  # full, or ended by the site with part of it answered
    SCREENED_OUT = "screened_out", "screened out"  # by the practice
    NO_CONSENT = "no_consent", "no consent"
    NO_WORK = "no_work", "no work"  # before the first answer
    DEVICE = "device", "wrong device"
    LEFT = "left", "left"  # with part of it answered, or nothing


class MarketStatus(StrEnum):
    """What a marketplace says became of a session."""

    UNREPORTED = ""
    ACTIVE = "active"
    SUBMITTED = "submitted"  # waits for the researcher
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    TIMED_OUT = "timed_out"
    SCREENED_OUT = "screened_out"  # and paid for that by the marketplace


OVER = (MarketStatus.RETURNED, MarketStatus.TIMED_OUT)  # ended without being handed in

# After these the marketplace pays a session nothing more, or has paid it.
ENDED_THERE = (
    *(MarketStatus.APPROVED, MarketStatus.REJECTED, MarketStatus.RETURNED),
    *(MarketStatus.TIMED_OUT, MarketStatus.SCREENED_OUT),
)
# Sessions that a marketplace may yet pay, whatever the site knows of them (rule S5).
MAY_BE_PAID = ~Q(study="") & ~Q(market_state__in=ENDED_THERE)
# Sessions that may go on although they had ended: nothing of them has been paid.
REOPENED = (SessionOutcome.NO_CONSENT, SessionOutcome.NO_WORK, SessionOutcome.DEVICE)


class Session(models.Model):
    """One visit of one person: HIT after HIT for one base pay, then HIT by HIT for bonuses."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="sessions", db_index=False
    )
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="sessions")
    key = models.CharField(
        max_length=200,
        default=new_public_id,
        help_text="The marketplace's or panel's id of it; made up by the site where there is none.",
    )
    study = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The marketplace's id of the study that it came by.",
    )
    token = models.CharField(
        max_length=16,
        unique=True,
        default=new_public_id,
        help_text="The secret by which its worker sees how it ended.",
    )
    hits = models.PositiveSmallIntegerField(help_text="HITs that make it full.")
    planned_seconds = models.FloatField(help_text="How long they should take.")
    reward = models.DecimalField(
        max_digits=7, decimal_places=2, help_text="Base pay, as it was promised."
    )
    is_test = models.BooleanField(
        default=False, help_text="A researcher's own: never used, counted or paid."
    )
    began_at = models.DateTimeField(db_default=Now())
    kept_until = models.DateTimeField(
        help_text="Until when the budget holds its pay although nothing is answered."
    )
    outcome = models.CharField(
        max_length=12, choices=SessionOutcome.choices, default=SessionOutcome.RUNNING, blank=True
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="When the ledger got all that is owed for it."
    )
    market_state = models.CharField(
        max_length=20, blank=True, default="", help_text="What the marketplace says became of it."
    )
    asked_back_at = models.DateTimeField(
        null=True, blank=True, help_text="When its worker was asked to return it."
    )

    class Meta:
        ordering = ["began_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="session_key_once"),
            models.UniqueConstraint(
                fields=["campaign", "worker"],
                condition=Q(outcome=""),
                name="a_worker_has_one_running_session",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=SessionOutcome.values), name="session_outcome"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at=None) | ~Q(outcome="") & Q(ended_at__isnull=False),
                name="a_session_that_ended_says_how",
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None) | ~Q(outcome=""), name="only_what_ended_is_settled"
            ),
            models.CheckConstraint(condition=Q(hits__gte=1), name="a_session_has_a_hit"),
        ]
        indexes = [
            models.Index(fields=["worker", "campaign"], name="session_of_worker"),
            models.Index(
                fields=["campaign", "kept_until"],
                condition=Q(settled_at=None),
                name="session_to_settle",
            ),
        ]

    def __str__(self) -> str:
        return f"session {self.pk}"  # its key may name a person

    @property
    def is_running(self) -> bool:
        return self.outcome == SessionOutcome.RUNNING

    def become(self, outcome: str, who: str, why: str = "") -> None:
        """Change and log the outcome; the caller holds the locks on its worker and on this row."""
        Transition.objects.create(
            campaign_id=self.campaign_id,
            subject=f"session of {self.worker.pseudonym}"[:100],
            before=SessionOutcome(self.outcome).label[:20],
            after=SessionOutcome(outcome).label[:20],
            who=who,
            why=why,
        )
        self.outcome = outcome
        self.ended_at = Now() if outcome else None
        self.save(update_fields=["outcome", "ended_at"])
        self.refresh_from_db(fields=["ended_at"])
