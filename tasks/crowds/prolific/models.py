"""What the site has put before Prolific: its account there, studies, and bonuses on their way."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from imagesets.models import new_public_id
from tasks.models import Campaign

ANNOTATION = "second-look"  # how the internal name of each of the site's studies begins


class StudyState(models.TextChoices):
    """Prolific's states of a study, in its words."""

    UNPUBLISHED = "UNPUBLISHED"
    SCHEDULED = "SCHEDULED"
    PUBLISHING = "PUBLISHING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    AWAITING_REVIEW = "AWAITING REVIEW"
    COMPLETED = "COMPLETED"


class Account(models.Model):
    """The workspace that pays for a campaign, and what Prolific takes there on top of pay."""

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="+")
    workspace = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    charges = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        help_text="Fee and VAT together, as a share of what people are paid.",
    )
    vat = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        default=Decimal(0),
        help_text="VAT, as a share of the fee; a draft's cost says it.",
    )
    only_tests = models.BooleanField(
        default=False, help_text="The campaign is tried out: nothing is offered to participants."
    )
    screen_outs_refused_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When Prolific refused fixed pay for the practice in this workspace.",
    )
    unread = models.PositiveIntegerField(
        default=0, help_text="Messages of participants that nobody has read."
    )
    demographics = models.JSONField(
        null=True, blank=True, help_text="Counts by answer, without cells under 5 people."
    )

    def __str__(self) -> str:
        return self.workspace


class Study(models.Model):
    """One study at Prolific; its reward and time cannot change once it is published.

    Written before Prolific is asked, so that after a crash the row says what may exist there, and
    its internal name finds it again.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    token = models.CharField(max_length=16, unique=True, default=new_public_id)
    market_id = models.CharField(max_length=64, unique=True, null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When Prolific was first asked to make it."
    )
    reward = models.DecimalField(max_digits=9, decimal_places=2)
    minutes = models.PositiveSmallIntegerField(help_text="How long a session should take.")
    codes = models.JSONField(help_text="The completion code of each outcome of a session.")
    state = models.CharField(
        max_length=20,
        blank=True,
        default="",
        help_text='As Prolific last said; "": it may be changing.',
    )
    places = models.PositiveIntegerField(default=0, help_text="As Prolific last confirmed them.")
    sessions = models.PositiveIntegerField(
        default=0, help_text="How many may have begun by it in all, if its places are taken."
    )
    fee = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="On one session, as its draft's cost said.",
    )
    vat = models.DecimalField(
        max_digits=9, decimal_places=2, null=True, blank=True, help_text="On that fee."
    )
    test_of = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="tests"
    )

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(market_id=None) | Q(asked_at__isnull=False),
                name="study_was_asked_for",
            )
        ]

    def __str__(self) -> str:
        return self.market_id or self.token

    @property
    def internal_name(self) -> str:
        """Its internal name, by which the site finds it again."""
        return f"{name_of(self.campaign)} {self.token}"


def name_of(campaign: Campaign) -> str:
    """How the internal names of a campaign's studies begin."""
    return f"{ANNOTATION} {campaign.public_id}"


class BonusSetUp(models.Model):
    """Bonuses of one study that are paid by one call, which pays again whenever it is made again.

    Each step is written down before it is taken: `market_id` when Prolific has the set-up, and
    `asked_at` before it is told to pay. From then on only the submissions themselves say what was
    paid.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="set_ups")
    lines = models.JSONField(help_text="[payment id, submission id, cents, bonuses paid before].")
    market_id = models.CharField(max_length=64, blank=True, default="")
    fees = models.PositiveIntegerField(default=0, help_text="In cents, of all lines.")
    vat = models.PositiveIntegerField(default=0, help_text="In cents, of all lines.")
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When Prolific was told to pay, by Prolific's clock."
    )
    answered = models.BooleanField(default=False, help_text="Prolific has said that it will pay.")
    done = models.BooleanField(default=False, help_text="All that was paid has been recorded.")

    class Meta:
        indexes = [
            models.Index(fields=["study"], condition=Q(done=False), name="set_up_under_way"),
        ]

    def __str__(self) -> str:
        return self.market_id or f"set-up {self.pk}"


class Hook(models.Model):
    """The site's subscriptions to a workspace's events."""

    workspace = models.CharField(max_length=64, unique=True)
    secret = models.CharField(
        max_length=200, blank=True, default="", help_text="By which Prolific signs events."
    )
    subscriptions = models.JSONField(default=dict, help_text="Their ids, by the kind of event.")
    offered = models.JSONField(default=list, help_text="Secrets that came to be confirmed.")
    confirmations = models.JSONField(default=dict, help_text="Kinds of events that are confirmed.")
    confirmed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.workspace
