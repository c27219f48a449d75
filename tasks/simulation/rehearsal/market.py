"""The marketplace itself, in memory: what each operation does, and what workers do there.

It follows the API's documentation, and where that is silent, what requesters report. One lock makes
each operation one step.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from tasks.simulation.rehearsal.clock import Clock
from tasks.simulation.rehearsal.documents import (
    QUESTION,
    answers_xml,
    check_question,
    describe_assignment,
    describe_bonus,
    new_id,
    page,
)
from tasks.simulation.rehearsal.protocol import Fault, wrong
from tasks.simulation.rehearsal.records import HIT, Assignment, HITType, Payment, fee_of

TOKENS_LIVE = timedelta(hours=24)
OVERRIDE_WITHIN = timedelta(days=30)
LONGEST = {"Title": 128, "Description": 2000, "Keywords": 1000}


class NotAllowed(Exception):
    """A worker tried something that they may not do; the message says what."""


class Market:
    """All of a requester's work, and what workers may do with it."""

    def __init__(self, clock: Clock | None = None, balance: Decimal = Decimal(10_000)) -> None:
        self.clock = clock or Clock()
        self.balance = balance
        self.types: dict[str, HITType] = {}
        self.hits: dict[str, HIT] = {}
        self.payments: list[Payment] = []
        self.calls: dict[str, int] = {}
        self.last_call = ""
        self.lock = threading.RLock()
        self._tokens: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._by_assignment: dict[str, HIT] = {}

    def carry_out(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One operation of the API, by name, with checked parameters. Raises Fault."""
        operation = getattr(self, f"_{name}", None)
        if operation is None:
            raise wrong("NotRehearsed", f"{name} is not part of the rehearsal")
        with self.lock:
            self.calls[name] = self.calls.get(name, 0) + 1
            self.last_call = name
            return operation(parameters)

    # HIT types and HITs

    def _CreateHITType(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for name, longest in LONGEST.items():
            if len(given.get(name, "")) > longest:
                raise wrong("InvalidParameterValue", f"{name} is longer than {longest}")
        if len(given.get("QualificationRequirements", [])) > 10:
            raise wrong("InvalidParameterValue", "more than 10 qualification requirements")
        fields: dict[str, Any] = {"AutoApprovalDelayInSeconds": 2_592_000, "Keywords": ""} | dict(
            given
        )
        if not 0 <= fields["AutoApprovalDelayInSeconds"] <= 2_592_000:
            raise wrong("InvalidParameterValue", "AutoApprovalDelayInSeconds: 0 s to 30 days")
        if not 30 <= fields["AssignmentDurationInSeconds"] <= 31_536_000:
            raise wrong("InvalidParameterValue", "AssignmentDurationInSeconds: 30 s to 365 days")
        for known in self.types.values():
            if known.fields == fields:
                return {"HITTypeId": known.id}
        made = HITType(new_id(), Decimal(fields["Reward"]), fields)
        self.types[made.id] = made
        return {"HITTypeId": made.id}

    def _CreateHITWithHITType(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if (known := self._repeated("hit", given)) is not None:
            raise wrong("HITAlreadyExists", f"HIT with id {known} was made with this token")
        kind = self.types.get(given["HITTypeId"])
        if kind is None:
            raise wrong("HITTypeDoesNotExist", f"HIT type {given['HITTypeId']} does not exist")
        check_question(given.get("Question", ""))
        number = given.get("MaxAssignments", 1)
        if not 1 <= number <= 1_000_000_000:
            raise wrong("InvalidParameterValue", f"MaxAssignments: {number}")
        if not 30 <= given["LifetimeInSeconds"] <= 31_536_000:
            raise wrong("InvalidParameterValue", "LifetimeInSeconds: 30 s to 365 days")
        if len(given.get("RequesterAnnotation", "")) > 255:
            raise wrong("InvalidParameterValue", "RequesterAnnotation is longer than 255")
        price = kind.reward + fee_of(kind.reward, number)
        if self.balance < price * number:
            raise wrong("InsufficientFunds", f"this HIT costs {price * number}")
        now = self.clock.now()
        hit = HIT(
            id=new_id(),
            type=kind,
            created=now,
            expires=now + timedelta(seconds=given["LifetimeInSeconds"]),
            max_assignments=number,
            question=given["Question"],
            annotation=given.get("RequesterAnnotation"),
            began_with=number,
        )
        self.hits[hit.id] = hit
        self._remember("hit", given, hit.id)
        return {"HIT": self._describe(hit)}

    def _CreateAdditionalAssignmentsForHIT(self, given: Mapping[str, Any]) -> dict[str, Any]:
        hit = self._hit(given)
        if (known := self._repeated("more", given)) is not None:
            raise wrong("RequestAlreadyProcessed", f"request {known} was made with this token")
        more = given["NumberOfAdditionalAssignments"]
        if more < 1:
            raise wrong("InvalidParameterValue", f"NumberOfAdditionalAssignments: {more}")
        total = hit.max_assignments + more
        if hit.began_with < 10 <= total:
            raise wrong(
                "InvalidMaximumAssignmentsIncrease",
                f"HIT {hit.id} began with {hit.began_with} assignments and cannot have {total}",
            )
        hit.max_assignments = total
        self._remember("more", given, new_id())
        return {}

    def _UpdateExpirationForHIT(self, given: Mapping[str, Any]) -> dict[str, Any]:
        hit = self._hit(given)
        until = datetime.fromtimestamp(float(given["ExpireAt"]), UTC)
        now = self.clock.now()
        if until > now + timedelta(days=365):
            raise wrong("InvalidParameterValue", f"ExpireAt: {until} is too far away")
        hit.expires = max(until, now) if until > now else now
        return {}

    def _UpdateHITTypeOfHIT(self, given: Mapping[str, Any]) -> dict[str, Any]:
        hit = self._hit(given)
        kind = self.types.get(given["HITTypeId"])
        if kind is None:
            raise wrong("HITTypeDoesNotExist", f"HIT type {given['HITTypeId']} does not exist")
        hit.type = kind
        return {}

    def _GetHIT(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"HIT": self._describe(self._hit(given, even_disposed=True))}

    def _ListHITs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        newest_first = [hit for hit in reversed(self.hits.values()) if not hit.disposed]
        return page(given, "HITs", newest_first, self._describe)

    def _ListReviewableHITs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.now()
        status = given.get("Status", "Reviewable")
        kind = given.get("HITTypeId")
        chosen = [
            hit
            for hit in self.hits.values()
            if hit.status(now) == status and kind in (None, hit.type.id)
        ]
        return page(given, "HITs", chosen, self._describe)

    def _UpdateHITReviewStatus(self, given: Mapping[str, Any]) -> dict[str, Any]:
        hit = self._hit(given)
        if hit.status(self.clock.now()) not in ("Reviewable", "Reviewing"):
            raise wrong("InvalidHITState", f"HIT {hit.id} is not reviewable")
        hit.reviewing = not given.get("Revert", False)
        return {}

    def _DeleteHIT(self, given: Mapping[str, Any]) -> dict[str, Any]:
        hit = self._hit(given)
        self._auto_approve(hit)
        if hit.status(self.clock.now()) not in ("Reviewable", "Reviewing") or any(
            assignment.status == "Submitted" for assignment in hit.assignments
        ):
            raise wrong("InvalidHITState", f"HIT {hit.id} has open or unreviewed assignments")
        hit.disposed = True
        return {}

    # Assignments and money

    def _ListAssignmentsForHIT(self, given: Mapping[str, Any]) -> dict[str, Any]:
        hit = self._hit(given)
        self._auto_approve(hit)
        wanted = given.get("AssignmentStatuses") or ["Submitted", "Approved", "Rejected"]
        chosen = [assignment for assignment in hit.assignments if assignment.status in wanted]
        return page(given, "Assignments", chosen, describe_assignment)

    def _GetAssignment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        assignment = self._assignment(given)
        return {
            "Assignment": describe_assignment(assignment),
            "HIT": self._describe(assignment.hit),
        }

    def _ApproveAssignment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        assignment = self._assignment(given)
        override = assignment.status == "Rejected" and given.get("OverrideRejection", False)
        if (
            override
            and assignment.submitted
            and self.clock.now() > assignment.submitted + OVERRIDE_WITHIN
        ):
            raise wrong("InvalidAssignmentState", "submitted more than 30 days ago")
        if assignment.status != "Submitted" and not override:
            raise _not_submitted(assignment)
        self._pay("reward", assignment, assignment.hit.type.reward, "")
        assignment.status, assignment.approved = "Approved", self.clock.now()
        assignment.feedback = given.get("RequesterFeedback", assignment.feedback)
        return {}

    def _RejectAssignment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        assignment = self._assignment(given)
        if assignment.status != "Submitted":
            raise _not_submitted(assignment)
        assignment.status, assignment.rejected = "Rejected", self.clock.now()
        assignment.feedback = given["RequesterFeedback"]
        return {}

    def _SendBonus(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if (known := self._repeated("bonus", given)) is not None:
            raise wrong("RequestAlreadyProcessed", f"request {known} was made with this token")
        assignment = self._assignment(given)
        if assignment.worker != given["WorkerId"]:
            raise wrong("WorkerDoesNotExist", f"{given['WorkerId']} did not do {assignment.id}")
        amount = Decimal(given["BonusAmount"])
        if amount <= 0:
            raise wrong("InvalidParameterValue", f"BonusAmount: {amount}")
        self._pay("bonus", assignment, amount, given["Reason"])
        self._remember("bonus", given, new_id())
        return {}

    def _ListBonusPayments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if "HITId" not in given and "AssignmentId" not in given:
            raise wrong("ParameterValidationError", "HITId or AssignmentId must be given")
        if "HITId" in given:
            self._hit(given)
        chosen = [
            paid
            for paid in self.payments
            if paid.kind == "bonus"
            and (
                paid.assignment == given.get("AssignmentId")
                or self._by_assignment[paid.assignment].id == given.get("HITId")
            )
        ]
        return page(given, "BonusPayments", chosen, describe_bonus)

    def _GetAccountBalance(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"AvailableBalance": f"{self.balance:.2f}"}

    # What workers do

    def open_hits(self) -> list[HIT]:
        """HITs that somebody could accept now."""
        with self.lock:
            now = self.clock.now()
            return [hit for hit in self.hits.values() if hit.available(now) > 0]

    def accept(self, hit: HIT, worker: str) -> Assignment:
        """Give a HIT to a worker. Raises NotAllowed if they may not do it or none is left."""
        with self.lock:
            now = self.clock.now()
            if any(assignment.worker == worker for assignment in hit.assignments):
                raise NotAllowed("you have done this HIT, or are working on it")
            if hit.available(now) < 1:
                raise NotAllowed("there is no more of this HIT")
            assignment = Assignment(
                id=hit.freed.pop(0) if hit.freed else new_id(),
                hit=hit,
                worker=worker,
                accepted=now,
                deadline=now + hit.type.duration,
            )
            hit.assignments.append(assignment)
            self._by_assignment[assignment.id] = hit
            return assignment

    def give_up(self, assignment: Assignment) -> None:
        """Return it for its worker; the requester hears nothing of it."""
        with self.lock:
            if assignment.status == "Accepted" and assignment in assignment.hit.assignments:
                assignment.hit.give_up(assignment)

    def hand_in(self, assignment_id: str, fields: Iterable[tuple[str, str]]) -> Assignment:
        """What externalSubmit does. Raises NotAllowed if there is nothing to hand in."""
        with self.lock:
            hit = self._by_assignment.get(assignment_id)
            now = self.clock.now()
            running = hit.running(now) if hit is not None else []
            assignment = next(
                (assignment for assignment in running if assignment.id == assignment_id), None
            )
            if assignment is None:
                raise NotAllowed("nobody has this assignment open: it was handed in, or is over")
            if not (given := [(name, text) for name, text in fields if name != "assignmentId"]):
                raise NotAllowed("a form needs at least one field besides assignmentId")
            assignment.status, assignment.submitted = "Submitted", now
            assignment.auto_approval = now + assignment.hit.type.auto_approval
            assignment.answer = answers_xml(given)
            return assignment

    def settle(self) -> None:
        """Approve what has waited as long as auto-approval allows."""
        with self.lock:
            for hit in self.hits.values():
                self._auto_approve(hit)

    def external_url(self, hit: HIT) -> str:
        return ElementTree.fromstring(hit.question).findtext(f"{QUESTION}ExternalURL") or ""

    def public_id(self, hit: HIT) -> str:
        """The site's own id of the HIT: the last part of its page's address."""
        return urlsplit(self.external_url(hit)).path.rstrip("/").rsplit("/", 1)[-1]

    # Details

    def _repeated(self, what: str, given: Mapping[str, Any]) -> str | None:
        made_at, name = self._tokens.get((what, given.get("UniqueRequestToken", "")), (None, ""))
        if made_at is None or made_at + TOKENS_LIVE <= self.clock.now():
            return None
        return name

    def _remember(self, what: str, given: Mapping[str, Any], name: str) -> None:
        if token := given.get("UniqueRequestToken"):
            self._tokens[what, token] = (self.clock.now(), name)

    def _hit(self, given: Mapping[str, Any], even_disposed: bool = False) -> HIT:
        hit = self.hits.get(given["HITId"])
        if hit is None:
            raise wrong("HITDoesNotExist", f"Hit {given['HITId']} does not exist.")
        if hit.disposed and not even_disposed:
            raise wrong(
                "InvalidHITState",
                "This operation can be called with a status of: Assignable, Unassignable,"
                " Reviewable, Reviewing (it is Disposed)",
            )
        return hit

    def _assignment(self, given: Mapping[str, Any]) -> Assignment:
        name = given["AssignmentId"]
        hit = self._by_assignment.get(name)
        if hit is None or hit.id not in self.hits or hit.disposed:
            raise wrong("AssignmentDoesNotExist", f"Assignment {name} does not exist.")
        self._auto_approve(hit)
        for assignment in hit.assignments:
            if assignment.id == name and assignment.status != "Accepted":
                return assignment
        raise wrong("InvalidAssignmentState", f"Assignment {name} was not handed in.")

    def _auto_approve(self, hit: HIT) -> None:
        now = self.clock.now()
        for assignment in hit.assignments:
            if (
                assignment.status == "Submitted"
                and assignment.auto_approval
                and assignment.auto_approval <= now
            ):
                self._pay("reward", assignment, hit.type.reward, "")
                assignment.status, assignment.approved = "Approved", assignment.auto_approval

    def _pay(self, kind: str, assignment: Assignment, amount: Decimal, reason: str) -> None:
        fee = fee_of(amount, assignment.hit.began_with)
        if self.balance < amount + fee:
            raise wrong("InsufficientFunds", f"the account holds {self.balance:.2f}")
        self.balance -= amount + fee
        now = self.clock.now()
        self.payments.append(
            Payment(kind, assignment.id, assignment.worker, amount, fee, now, reason)
        )

    def _describe(self, hit: HIT) -> dict[str, Any]:
        self._auto_approve(hit)
        now = self.clock.now()
        done = sum(assignment.status in ("Approved", "Rejected") for assignment in hit.assignments)
        kind = hit.type.fields
        described = {
            "HITId": hit.id,
            "HITTypeId": hit.type.id,
            "HITGroupId": f"3G{hit.type.id[2:]}",
            "CreationTime": hit.created,
            "Title": kind["Title"],
            "Description": kind["Description"],
            "Question": hit.question,
            "Keywords": kind["Keywords"],
            "HITStatus": hit.status(now),
            "MaxAssignments": hit.max_assignments,
            "Reward": f"{hit.type.reward:.2f}",
            "AutoApprovalDelayInSeconds": kind["AutoApprovalDelayInSeconds"],
            "Expiration": hit.expires,
            "AssignmentDurationInSeconds": kind["AssignmentDurationInSeconds"],
            "QualificationRequirements": kind.get("QualificationRequirements", []),
            "HITReviewStatus": "NotReviewed",
            "NumberOfAssignmentsPending": len(hit.running(now)),
            "NumberOfAssignmentsAvailable": hit.max_assignments - len(hit.assignments),
            "NumberOfAssignmentsCompleted": done,
        }
        if hit.annotation is not None:
            described["RequesterAnnotation"] = hit.annotation
        return described


def _not_submitted(assignment: Assignment) -> Fault:
    return wrong(
        "InvalidAssignmentState",
        f"This operation can be called with a status of: Submitted (it is {assignment.status})",
    )
