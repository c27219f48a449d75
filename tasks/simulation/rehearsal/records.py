"""What the marketplace keeps: HIT types, HITs, assignments, payments."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")


def fee_of(amount: Decimal, assignments: int) -> Decimal:
    """MTurk's fee on a reward or a bonus: 20 %, 40 % from 10 assignments on, at least a cent."""
    rate = Decimal("0.4") if assignments >= 10 else Decimal("0.2")
    return max(CENT, (amount * rate).quantize(CENT, ROUND_HALF_UP))


@dataclass(frozen=True)
class HITType:
    """What HITs of one kind have in common."""

    id: str
    reward: Decimal
    fields: dict[str, Any]  # as CreateHITType was given them, with defaults

    @property
    def duration(self) -> timedelta:
        return timedelta(seconds=self.fields["AssignmentDurationInSeconds"])

    @property
    def auto_approval(self) -> timedelta:
        return timedelta(seconds=self.fields["AutoApprovalDelayInSeconds"])


@dataclass(eq=False)
class Assignment:
    """A worker's assignment: Accepted and running, then Submitted, then Approved or Rejected."""

    id: str
    hit: "HIT"
    worker: str
    accepted: datetime
    deadline: datetime
    status: str = "Accepted"
    submitted: datetime | None = None
    auto_approval: datetime | None = None
    approved: datetime | None = None
    rejected: datetime | None = None
    answer: str = ""
    feedback: str | None = None


@dataclass(eq=False)
class HIT:
    """One HIT; its state follows from its assignments and the time."""

    id: str
    type: HITType
    created: datetime
    expires: datetime
    max_assignments: int
    question: str
    annotation: str | None
    began_with: int  # assignments at its creation, which decide the fee
    reviewing: bool = False
    disposed: bool = False  # deleted: GetHIT still describes it, nothing else takes it
    assignments: list[Assignment] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)  # ids of returned assignments, to give out again

    def running(self, now: datetime) -> list[Assignment]:
        """Assignments that workers have open; first give up those whose time is over."""
        for assignment in list(self.assignments):
            if assignment.status == "Accepted" and assignment.deadline <= now:
                self.give_up(assignment)
        return [a for a in self.assignments if a.status == "Accepted"]

    def give_up(self, assignment: Assignment) -> None:
        """Return or abandon it: as on MTurk, the next worker gets the same assignment id."""
        self.assignments.remove(assignment)
        self.freed.append(assignment.id)

    def available(self, now: datetime) -> int:
        """How many more may be accepted."""
        self.running(now)
        if self.disposed or now >= self.expires:
            return 0
        return self.max_assignments - len(self.assignments)

    def status(self, now: datetime) -> str:
        running = self.running(now)
        if self.disposed:
            return "Disposed"
        if self.available(now):
            return "Assignable"
        if running:
            return "Unassignable"
        return "Reviewing" if self.reviewing else "Reviewable"


@dataclass(frozen=True)
class Payment:
    """Money that left the requester's account."""

    kind: str  # "reward" or "bonus"
    assignment: str
    worker: str
    amount: Decimal
    fee: Decimal
    at: datetime
    reason: str = ""
