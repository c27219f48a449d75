"""What the stand-in for Prolific keeps: studies, submissions, bonuses, the wallet's rates."""

import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

AUTO_APPROVAL = timedelta(days=21)
WAITING, RUNNING = "AWAITING REVIEW", ("RESERVED", "ACTIVE")
# Submissions that leave their place to others.
FREED = ("RETURNED", "TIMED-OUT", "REJECTED", "SCREENED OUT")
PAID = ("APPROVED", "PARTIALLY APPROVED", "SCREENED OUT")


def new_id() -> str:
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Rates:
    """What Prolific takes on top: a share of rewards and bonuses, and VAT on that."""

    fee: Fraction = Fraction(1, 3)
    vat: Fraction = Fraction(1, 5)

    def fee_of(self, cents: int) -> int:
        return math.ceil(cents * self.fee)

    def vat_of(self, cents: int) -> int:
        """The VAT on the fee of an amount."""
        return _rounded(self.fee_of(cents) * self.vat)

    def total(self, cents: int) -> int:
        return cents + self.fee_of(cents) + self.vat_of(cents)


def _rounded(cents: Fraction) -> int:
    exact = Decimal(cents.numerator) / Decimal(cents.denominator)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(eq=False)
class Submission:
    """One participant's submission: Prolific's name for a session."""

    id: str
    study: "Study"
    participant: str
    started: datetime
    status: str = "ACTIVE"
    completed: datetime | None = None
    code: str | None = None
    bonuses: list[int] = field(default_factory=list)  # paid, in cents
    paid: int = 0  # base pay, in cents
    return_requested: datetime | None = None
    rejection: tuple[str, str] = ("", "")  # category, message
    siblings: bool = False

    def overdue(self, now: datetime) -> bool:
        """Whether it has waited for review for so long that Prolific approves it."""
        return self.completed is not None and self.completed + AUTO_APPROVAL <= now

    @property
    def frees_its_place(self) -> bool:
        return self.status in FREED


@dataclass(eq=False)
class Study:
    """One study: a draft, then published; its submissions."""

    id: str
    fields: dict[str, Any]  # as it was created and changed
    created: datetime
    status: str = "UNPUBLISHED"
    published: datetime | None = None
    submissions: list[Submission] = field(default_factory=list)
    test_of: str = ""  # the study that it tests
    stopped: bool = False  # for good, until its places are raised

    @property
    def reward(self) -> int:
        return self.fields["reward"]

    @property
    def places(self) -> int:
        return self.fields["total_available_places"]

    @property
    def taken(self) -> int:
        return sum(not submission.frees_its_place for submission in self.submissions)

    @property
    def allowed(self) -> timedelta:
        return timedelta(minutes=self.fields["maximum_allowed_time"])

    def awaiting(self) -> int:
        return sum(submission.status in (WAITING, *RUNNING) for submission in self.submissions)

    @property
    def screened_out(self) -> int:
        return sum(submission.status == "SCREENED OUT" for submission in self.submissions)

    def slots_are_used(self) -> bool:
        """Whether as many were screened out by fixed pay as its slots allow."""
        actions = [a for code in self.fields["completion_codes"] for a in code["actions"]]
        return any(self.screened_out >= a["slots"] for a in actions if "slots" in a)

    def actions_of(self, code: str | None, actor: str = "participant") -> list[dict[str, Any]]:
        """What a completion code of an actor does; an unknown one is reviewed by hand."""
        for known in self.fields["completion_codes"]:
            if (known["code"], known.get("actor", "participant")) == (code, actor):
                return known["actions"]
        return [{"action": "MANUALLY_REVIEW"}]


@dataclass(eq=False)
class BonusSetUp:
    """Bonuses that were set up; each time it is paid, all of them are paid."""

    id: str
    study: str
    lines: list[tuple[Submission, int]]
    paid: int = 0  # times


@dataclass(frozen=True)
class Payment:
    """Money that left the wallet."""

    kind: str  # "reward" or "bonus"
    submission: str
    participant: str
    amount: int
    fee: int
    vat: int
    at: datetime

    @property
    def total(self) -> int:
        return self.amount + self.fee + self.vat
