"""The ledger: every amount of a campaign, to whom, for what, and whether it has been paid."""

from collections.abc import Iterable
from decimal import Decimal

from django.db import models
from django.db.models import Q

from tasks.models.assignment import Assignment
from tasks.models.campaign import Campaign
from tasks.models.practice import PracticeTry
from tasks.models.session import Session
from tasks.models.worker import Worker


class PaymentKind(models.TextChoices):
    """What an amount is for."""

    BASE = "base", "base pay"
    BONUS = "bonus", "bonus"
    FEE = "fee", "the marketplace's fee"
    VAT = "vat", "VAT on the fee"
    PRACTICE = "practice", "practice pay"


class PaymentState(models.TextChoices):
    """Whether an amount is owed or the marketplace has paid it."""

    DUE = "due", "due"
    PAID = "paid", "paid"


class Obstacle(models.TextChoices):
    """Why the marketplace cannot pay an amount that is due."""

    NONE = "", "none"
    GONE = "gone", "it no longer has the work"
    REFUSED = "no", "it refuses to pay it"
    LEFT = "left", "somebody has said that nobody can pay it"


class Payment(models.Model):
    """One amount, in the campaign's currency, stored by the step that makes it due.

    `request_key` says what it is for: the same key is the same payment, so nothing is paid twice.
    An accepted answer, or where that is what is paid a session, has one base payment; a try at the
    practice has one payment of its own. A fee and its VAT belong to the payment that incurs them.
    All payments of a session's work name the session too, but for the base pay of an assignment.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="payments")
    assignment = models.ForeignKey(
        Assignment, on_delete=models.CASCADE, null=True, blank=True, related_name="payments"
    )
    practice = models.ForeignKey(
        PracticeTry, on_delete=models.CASCADE, null=True, blank=True, related_name="payments"
    )
    session = models.ForeignKey(
        Session, on_delete=models.PROTECT, null=True, blank=True, related_name="payments"
    )
    kind = models.CharField(max_length=8, choices=PaymentKind.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    reason = models.TextField()
    request_key = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=4, choices=PaymentState.choices, default=PaymentState.DUE)
    obstacle = models.CharField(
        max_length=4, choices=Obstacle.choices, blank=True, default="", db_default=""
    )
    market_ref = models.CharField(
        max_length=200, blank=True, default="", help_text="The marketplace's name of it."
    )
    at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=PaymentKind.values), name="payment_kind"),
            models.CheckConstraint(
                condition=Q(state__in=PaymentState.values), name="payment_state"
            ),
            models.CheckConstraint(
                condition=Q(obstacle__in=Obstacle.values), name="payment_obstacle"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=Decimal(0)), name="payment_is_not_negative"
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(kind=PaymentKind.BASE),
                name="an_answer_is_paid_once",
            ),
            models.UniqueConstraint(
                fields=["practice"],
                condition=Q(kind=PaymentKind.PRACTICE),
                name="a_practice_is_paid_once",
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(kind=PaymentKind.BASE),
                name="a_session_is_paid_once",
            ),
            models.CheckConstraint(
                condition=Q(assignment=None) | Q(practice=None),
                name="a_payment_is_for_one_work",
            ),
            models.CheckConstraint(
                condition=~Q(kind=PaymentKind.PRACTICE) | Q(practice__isnull=False),
                name="practice_pay_is_for_a_try",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=[PaymentKind.BASE, PaymentKind.BONUS]) | Q(practice=None),
                name="a_try_has_no_other_pay",
            ),
            models.CheckConstraint(
                condition=~Q(kind=PaymentKind.BASE) | Q(assignment=None) | Q(session=None),
                name="base_pay_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(assignment__isnull=False)
                | Q(practice__isnull=False)
                | Q(session__isnull=False),
                name="a_payment_is_for_something",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "state"], name="payment_of_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} ({self.request_key})"

    @property
    def for_answer(self) -> Assignment:
        """The assignment of base pay or a bonus."""
        assert self.assignment is not None  # a_payment_is_for_one_thing
        return self.assignment

    @property
    def worker(self) -> Worker:
        """Who earned it."""
        work = self.assignment or self.practice or self.session
        assert work is not None
        return work.worker


def with_surcharges(request_keys: Iterable[str]) -> Q:
    """The payments of these keys, each with its fee and VAT."""
    parts = ("", "fee-", "vat-")
    return Q(request_key__in=[f"{part}{key}" for key in request_keys for part in parts])
