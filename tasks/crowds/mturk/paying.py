"""Approves, rejects and pays bonuses, each once, whatever became of an earlier try."""

from decimal import Decimal

from tasks.crowds import CrowdError
from tasks.crowds.mturk.client import Client, Refused, client_of
from tasks.models import Assignment
from tasks.models.assignment import MarketState


def approve(assignment: Assignment) -> None:
    """Pay an assignment its reward; MTurk itself approves once only."""
    client = client_of(assignment.campaign)
    override = assignment.market_state == MarketState.REJECTED
    try:
        client.call("approve_assignment", AssignmentId=assignment.key, OverrideRejection=override)
    except Refused:
        status = _status(client, assignment)
        if status == "Rejected" and not override:
            client.call("approve_assignment", AssignmentId=assignment.key, OverrideRejection=True)
        elif status != "Approved":
            raise


def reject(assignment: Assignment, feedback: str) -> None:
    """Refuse to pay an assignment; raises CrowdError where it was approved already."""
    client = client_of(assignment.campaign)
    try:
        client.call("reject_assignment", AssignmentId=assignment.key, RequesterFeedback=feedback)
    except Refused:
        if _status(client, assignment) != "Rejected":
            raise


def bonus(assignment: Assignment, amount: Decimal, reason: str, request_key: str) -> str:
    """Pay a bonus unless MTurk lists it; it has no name of its own there."""
    client = client_of(assignment.campaign)
    if _has_bonus(client, assignment, amount, reason):
        return ""
    try:
        client.call(
            "send_bonus",
            WorkerId=assignment.worker.external_id,
            BonusAmount=f"{amount:.2f}",
            AssignmentId=assignment.key,
            Reason=reason,
            UniqueRequestToken=request_key,
        )
    except Refused:
        if not _has_bonus(client, assignment, amount, reason):
            raise
    return ""


def _has_bonus(client: Client, assignment: Assignment, amount: Decimal, reason: str) -> bool:
    return any(
        Decimal(paid["BonusAmount"]) == amount and paid.get("Reason") == reason
        for paid in client.pages(
            "list_bonus_payments", "BonusPayments", AssignmentId=assignment.key
        )
    )


def _status(client: Client, assignment: Assignment) -> str:
    """What MTurk says of the assignment: Submitted, Approved, Rejected; "" if nothing."""
    try:
        found = client.call("get_assignment", AssignmentId=assignment.key)["Assignment"]
    except Refused:
        return ""
    if found["WorkerId"] != assignment.worker.external_id:
        raise CrowdError(f"assignment {assignment.key} is another worker's there: not touched")
    return found["AssignmentStatus"]
