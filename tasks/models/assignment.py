"""Places and assignments: who may answer a HIT, and the answer, stored once as arrays.

A judgment is not a row: it is unnested from an assignment's arrays (tasks/sql/judgments.py).
"""

from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from imagesets.models import new_public_id
from tasks.models.campaign import Campaign
from tasks.models.hit import HIT
from tasks.models.session import Session
from tasks.models.transaction_id import CurrentTransaction, TransactionField
from tasks.models.transition import Transition, check, named
from tasks.models.worker import Worker


class AssignmentState(models.TextChoices):
    """What the worker did."""

    OPEN = "open", "open"
    SUBMITTED = "submitted", "submitted"
    RETURNED = "returned", "returned"
    EXPIRED = "expired", "expired"


class Outcome(models.TextChoices):
    """What review decided about a submitted answer."""

    NONE = "", "not reviewed"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"


class MarketState(StrEnum):
    """What the marketplace says became of an assignment."""

    UNREPORTED = ""
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    EXPIRED = "expired"


# The marketplace has the answer, whatever review decided.
HANDED_IN = (MarketState.SUBMITTED, MarketState.APPROVED, MarketState.REJECTED)

# Which answers are used in results (rule P12); SQL says the same by tasks/sql/used.py.
USED_FACTS: dict[str, str | bool] = {
    "state": AssignmentState.SUBMITTED.value,
    "outcome": Outcome.ACCEPTED.value,
    "set_aside": False,
}
USED = Q(**USED_FACTS)


def positions(**options) -> ArrayField:
    """A column of item positions."""
    return ArrayField(models.SmallIntegerField(), default=list, blank=True, **options)


def counts(**options) -> ArrayField:
    """A column of numbers by item, in the order of `shown`; zeros at its end are left out."""
    return ArrayField(models.SmallIntegerField(), null=True, blank=True, **options)


class Assignment(models.Model):
    """One worker on one HIT, and the answer.

    `shown` holds every item's position in the order shown. CONTAINS: `selected`, `maybe` and
    `unseen` are subsets of it. CLASSIFY: `answers` is a list, in the order of `shown`, of
    {"offered": [label ids as shown], "selected": [label ids], "main": label id or null,
    "other": text}; what stands there for an `unseen` image is no response.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="assignments", db_index=False
    )
    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="assignments")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="assignments")
    key = models.CharField(
        max_length=200, default=new_public_id, help_text="Its name in exports and imports."
    )
    token = models.CharField(  # noqa: DJ001 imported ones have none
        max_length=16,
        null=True,
        blank=True,
        default=new_public_id,
        help_text="The secret by which its worker opens and answers it; an imported one has none.",
    )
    session = models.ForeignKey(
        Session, on_delete=models.PROTECT, null=True, blank=True, related_name="assignments"
    )
    is_extra = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Done after its session was full, and so paid by a bonus of its own.",
    )
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(
        max_length=9, choices=AssignmentState.choices, default=AssignmentState.OPEN
    )
    outcome = models.CharField(
        max_length=8, choices=Outcome.choices, default=Outcome.NONE, blank=True
    )
    set_aside = models.BooleanField(default=False)
    for_person = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Part of the sample that a person reviews (review_sample).",
    )
    feedback = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="What the worker is told about a rejection.",
    )
    market_state = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="What the marketplace says became of it.",
    )
    imported = models.BooleanField(default=False)
    opened_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    sequence = models.BigIntegerField(
        null=True, blank=True, help_text="Order among answers submitted at the same moment."
    )
    shown = positions()
    selected = positions()
    maybe = positions()
    unseen = positions()
    answers = models.JSONField(null=True, blank=True)
    comment = models.TextField(blank=True, default="")
    active_seconds = models.FloatField(null=True, blank=True)
    wall_seconds = models.FloatField(null=True, blank=True)
    hand = models.JSONField(
        null=True,
        blank=True,
        help_text="What the page's script counted of the hand: events, choices, pace, spread.",
    )
    language = models.CharField(
        max_length=35,
        blank=True,
        default="",
        db_default="",
        help_text="Of the page; an imported answer has none.",
    )
    device = models.CharField(
        max_length=5,
        blank=True,
        default="",
        db_default="",
        help_text="touch or mouse, as the page's script saw it.",
    )
    viewport = models.CharField(
        max_length=11, blank=True, default="", db_default="", help_text="Width x height in pixels."
    )
    cards = positions(db_default=[], help_text="The HIT's sections that were shown as cards.")
    zooms = counts(help_text="How often each item was enlarged; null without a script.")
    changes = counts(help_text="How often each item's answer was changed; null without a script.")
    choices_seen = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Digest of the choices in the newest draft; a change renews the time.",
    )
    changed = TransactionField(
        db_default=CurrentTransaction(),
        help_text="Transaction that last changed what results are made of; a trigger sets it.",
    )

    class Meta:
        ordering = ["submitted_at", "sequence", "id"]
        constraints = [
            # All of "never twice" (rule P4).
            models.UniqueConstraint(
                fields=["hit", "worker"],
                condition=Q(state__in=["open", "submitted"]),
                name="a_worker_answers_a_hit_once",
            ),
            models.UniqueConstraint(
                fields=["campaign", "key"], name="assignment_key_once_per_campaign"
            ),
            models.UniqueConstraint(fields=["token"], name="assignment_token_once"),
            models.CheckConstraint(
                condition=Q(state__in=AssignmentState.values), name="assignment_state"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="assignment_outcome"
            ),
            models.CheckConstraint(
                condition=~Q(state="submitted") | Q(submitted_at__isnull=False),
                name="submitted_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(selected__contained_by=F("shown"))
                & Q(maybe__contained_by=F("shown"))
                & Q(unseen__contained_by=F("shown")),
                name="answers_are_of_what_was_shown",
            ),
            models.CheckConstraint(
                condition=~Q(selected__overlap=F("unseen"))
                & ~Q(selected__overlap=F("maybe"))
                & ~Q(maybe__overlap=F("unseen")),
                name="an_item_has_one_answer",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="rejected") | ~Q(feedback="") | Q(imported=True),
                name="a_rejection_says_why",
            ),
            models.CheckConstraint(
                condition=Q(outcome="") | Q(submitted_at__isnull=False),
                name="only_an_answer_is_reviewed",
            ),
            models.CheckConstraint(
                condition=Q(is_extra=False) | Q(session__isnull=False),
                name="only_a_session_has_extra_work",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "submitted_at", "sequence"], name="assignment_order"),
            models.Index(
                fields=["worker", "campaign"], condition=Q(state="open"), name="assignment_running"
            ),
            models.Index(
                fields=["campaign", "worker"],
                condition=Q(submitted_at__isnull=False, outcome=""),
                name="assignment_to_review",
            ),
            models.Index(
                fields=["campaign"], condition=Q(for_person=True), name="assignment_for_person"
            ),
            models.Index(
                fields=["campaign", "expires_at"],
                condition=Q(state="open"),
                name="assignment_expiring",
            ),
            models.Index(fields=["campaign", "changed"], name="assignment_changed"),
        ]

    def __str__(self) -> str:
        return self.key

    def become(self, who: str, why: str = "", save: bool = True, **facts: object) -> None:
        """Change `state`, `outcome` or `set_aside`, log it and save; the caller has locked the row.

        Ignores facts that already have the value. Raises IllegalTransition, and changes nothing,
        if transition.py does not allow a change.
        """
        changes = {f: value for f, value in facts.items() if getattr(self, f) != value}
        for fact, value in changes.items():
            check(fact, getattr(self, fact), value, f"assignment {self.key}")
        Transition.objects.bulk_create(
            Transition(
                campaign_id=self.campaign_id,
                assignment=self,
                subject="assignment",
                before=named(fact, getattr(self, fact)),
                after=named(fact, value),
                who=who,
                why=why,
            )
            for fact, value in changes.items()
        )
        for fact, value in changes.items():
            setattr(self, fact, value)
        if changes and save:
            self.save(update_fields=list(changes))

    @property
    def used(self) -> bool:
        """Whether its judgments count in results."""
        return all(getattr(self, fact) == value for fact, value in USED_FACTS.items())


class Place(models.Model):
    """One wanted answer of a HIT (rule P1). `free_at`: null if answered, future if worked on."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="places")
    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="places")
    round = models.PositiveSmallIntegerField()
    shuffle = models.IntegerField(help_text="Random: the order in which places are given out.")
    free_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    holder = models.OneToOneField(
        Assignment, on_delete=models.PROTECT, null=True, blank=True, related_name="place"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(free_at__isnull=False) | Q(holder__isnull=False),
                name="an_answered_place_has_a_holder",
            )
        ]
        indexes = [
            models.Index(
                fields=["campaign", "round", "shuffle"],
                condition=Q(free_at__isnull=False),
                name="place_to_give_out",
            )
        ]

    def __str__(self) -> str:
        return f"{self.hit_id} ({self.round})"
