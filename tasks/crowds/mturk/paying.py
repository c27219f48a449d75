"""Approves, rejects and pays bonuses, each once whatever became of an earlier try; the books."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from tasks.crowds import CrowdError, MarketPayment
from tasks.crowds.mturk.client import Client, RequestRefused, client_of, in_parallel
from tasks.crowds.mturk.fetching import assignments_of
from tasks.crowds.mturk.gone import described
from tasks.crowds.mturk.models import Listing, live_listings_of
from tasks.models import Assignment, Campaign
from tasks.models.assignment import MarketState


def approve(assignment: Assignment) -> None:
    """Pay an assignment its reward; MTurk itself approves only once."""
    client = client_of(assignment.campaign)
    override = assignment.market_state == MarketState.REJECTED
    try:
        client.call("approve_assignment", AssignmentId=assignment.key, OverrideRejection=override)
    except RequestRefused:
        status = _status(client, assignment)
        if status == "Rejected" and not override:
            client.call("approve_assignment", AssignmentId=assignment.key, OverrideRejection=True)
        elif status != "Approved":
            raise


def reject(assignment: Assignment, feedback: str) -> None:
    """Refuse to pay an assignment. Raises CrowdError if it was approved before."""
    client = client_of(assignment.campaign)
    try:
        client.call("reject_assignment", AssignmentId=assignment.key, RequesterFeedback=feedback)
    except RequestRefused:
        if _status(client, assignment) != "Rejected":
            raise


def bonus(assignment: Assignment, amount: Decimal, reason: str, request_key: str) -> str:
    """Pay a bonus unless MTurk lists it already. Returns "": MTurk has no id for a bonus."""
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
    except RequestRefused:
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
    """The assignment's status on MTurk: Submitted, Approved, Rejected; "" if it names none."""
    try:
        answer = client.call("get_assignment", AssignmentId=assignment.key)["Assignment"]
    except RequestRefused:
        return ""
    if answer["WorkerId"] != assignment.worker.external_id:
        raise CrowdError(
            f"MTurk names another worker for assignment {assignment.key}: nothing was done to it"
        )
    return answer["AssignmentStatus"]


def balance(campaign: Campaign) -> Decimal:
    """What is left in the requester's account."""
    answer = client_of(campaign).call("get_account_balance")
    return Decimal(answer["AvailableBalance"])


def ledger(campaign: Campaign, hits: Collection[int] | None = None) -> Iterator[MarketPayment]:
    """Rewards of approved assignments and all bonuses, as MTurk lists them; two calls a HIT."""
    client = client_of(campaign)

    def payments_of(listing: Listing) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return assignments_of(client, listing), _bonuses(client, listing)

    listings = live_listings_of(campaign)
    if hits is not None:
        listings = listings.filter(hit__in=hits)
    for listing, (assignments, bonuses) in in_parallel(list(listings), payments_of):
        for row in assignments:
            if row["AssignmentStatus"] == "Approved":
                yield MarketPayment("base", row["AssignmentId"], listing.hit.reward)
        for row in bonuses:
            amount = Decimal(row["BonusAmount"])
            yield MarketPayment("bonus", row["AssignmentId"], amount, row.get("Reason", ""))


def _bonuses(client: Client, listing: Listing) -> list[dict[str, Any]]:
    try:
        return list(client.pages("list_bonus_payments", "BonusPayments", HITId=listing.market_id))
    except RequestRefused as error:
        if error.code != "AssignmentDoesNotExist" and described(client, listing) is not None:
            raise
        return []
