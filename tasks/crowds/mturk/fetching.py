"""What MTurk tells of assignments, and what it has paid."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from tasks.crowds import MarketAssignment, MarketPayment
from tasks.crowds.mturk.client import Client, Refused, client_of, in_parallel
from tasks.crowds.mturk.form_data import from_xml
from tasks.crowds.mturk.models import Listing
from tasks.crowds.mturk.offering import listings_of, needs_of, set_expiry, settle
from tasks.models import HIT, Assignment, Campaign
from tasks.models.assignment import HANDED_IN, MarketState
from tasks.models.campaign import State

FINAL = (MarketState.APPROVED, MarketState.REJECTED)
OVERTURNED = timedelta(days=60)  # at most 30 from submit to rejection, and 30 more
LOOKED_AT = 50  # HITs with rejected work, at each fetch
CLOSED = ("Reviewable", "Reviewing")  # states of a HIT in which nobody is at it, or can be


def fetch(campaign: Campaign) -> Iterator[MarketAssignment]:
    """What was handed in there and is not known here, or has another status here.

    One look over all HITs (100 a call) says by its counts which of them have something to tell.
    """
    client = client_of(campaign)
    settle(campaign, client)
    began = timezone.now()
    counts = {found["HITId"]: found for found in client.pages("list_hits", "HITs")}
    asked = list(_with_news(campaign, counts))
    for listing, rows in in_parallel(asked, lambda one: _assignments(client, one)):
        for row in rows:
            yield _told(listing, row)
    yield from _never_handed_in(campaign, counts, began)
    if campaign.state == State.OPEN:
        _extend_expired(campaign, client, counts)


def _never_handed_in(
    campaign: Campaign, counts: dict[str, dict[str, Any]], began: datetime
) -> Iterator[MarketAssignment]:
    """Answers here to HITs that nobody is at there any more: they cannot be handed in now.

    MTurk tells nobody of a return or of time that ran out; but it counts who is at a HIT. Should
    its count have been behind, the next fetch tells of the answer all the same.
    """
    waiting = Assignment.objects.filter(
        campaign=campaign,
        state="submitted",
        market_state=MarketState.UNREPORTED,
        submitted_at__lt=began,
    ).select_related("worker")
    at_work: dict[int, int] = defaultdict(int)
    for listing in listings_of(campaign).filter(market_id__isnull=False):
        found = counts.get(listing.market_id or "", {})
        at_work[listing.hit_id] += found.get("NumberOfAssignmentsPending", 1)
    for one in waiting:
        if not at_work[one.hit_id]:
            yield MarketAssignment(one.key, one.hit_id, one.worker.external_id, "expired")


def _extend_expired(campaign: Campaign, client: Client, counts: dict[str, dict[str, Any]]) -> None:
    """Offer HITs again that nobody can accept there though not all was handed in.

    That their time is over is MTurk's word, whatever the clocks say, and whoever let them expire.
    """
    over = [
        listing
        for need in needs_of(campaign).values()
        if need.unanswered and need.asked > need.told
        for listing in need.listings
        if all(
            counts.get(one.market_id or "", {}).get("HITStatus") in CLOSED for one in need.listings
        )
    ]
    ends = [counts[one.market_id or ""].get("Expiration") for one in over]
    latest = max([client.now(), *filter(None, ends)])  # it is that late there, or later
    set_expiry(client, over, latest + timedelta(days=campaign.lifetime_days))


def _with_news(campaign: Campaign, counts: dict[str, dict[str, Any]]) -> Iterator[Listing]:
    """Listings of HITs whose counts there differ from what has been told here.

    And some of those with rejected work: that it was approved there after all, no count says.
    """
    told = {
        row["hit"]: row
        for row in Assignment.objects.filter(campaign=campaign, market_state__in=HANDED_IN)
        .order_by()
        .values("hit")
        .annotate(handed_in=Count("pk"), final=Count("pk", filter=Q(market_state__in=FINAL)))
    }
    rejected = Assignment.objects.filter(
        campaign=campaign,
        market_state=MarketState.REJECTED,
        submitted_at__gt=timezone.now() - OVERTURNED,
    )
    some = HIT.objects.filter(pk__in=rejected.values("hit")).order_by("?")
    again = set(some.values_list("pk", flat=True)[:LOOKED_AT])
    by_hit: dict[int, list[Listing]] = defaultdict(list)
    for listing in listings_of(campaign).filter(market_id__isnull=False):
        by_hit[listing.hit_id].append(listing)
    for hit_id, listings in by_hit.items():
        known = told.get(hit_id, {"handed_in": 0, "final": 0})
        there = [_counted(counts.get(one.market_id or "")) for one in listings]
        if (
            hit_id in again
            or None in there
            or (known["handed_in"], known["final"])
            != (
                sum(one[0] for one in there if one),
                sum(one[1] for one in there if one),
            )
        ):
            yield from listings


def _counted(found: dict[str, Any] | None) -> tuple[int, int] | None:
    """(handed in, of these approved or rejected) by a HIT's counts; None: they do not say."""
    names = ("MaxAssignments", "NumberOfAssignmentsAvailable", "NumberOfAssignmentsPending")
    if found is None or any(found.get(name) is None for name in names):
        return None
    total, available, pending = (found[name] for name in names)
    return total - available - pending, found.get("NumberOfAssignmentsCompleted") or 0


def _assignments(client: Client, listing: Listing) -> list[dict[str, Any]]:
    try:
        return list(
            client.pages("list_assignments_for_hit", "Assignments", HITId=listing.market_id)
        )
    except Refused as error:
        if error.code == "HITDoesNotExist":  # deleted by hand, or long ago: it has no news
            return []
        raise


def _told(listing: Listing, row: dict[str, Any]) -> MarketAssignment:
    return MarketAssignment(
        key=row["AssignmentId"],
        hit_id=listing.hit_id,
        worker=row["WorkerId"],
        status=row["AssignmentStatus"].lower(),
        accepted_at=row.get("AcceptTime"),
        submitted_at=row.get("SubmitTime"),
        answer=from_xml(listing.hit, row.get("Answer", ""), row["WorkerId"]),
        feedback=row.get("RequesterFeedback") or "",
    )


def places_available(campaign: Campaign) -> int:
    """How many assignments could still be accepted, by MTurk's own counts."""
    ours = set(
        listings_of(campaign).filter(market_id__isnull=False).values_list("market_id", flat=True)
    )
    client = client_of(campaign)
    return sum(
        found.get("NumberOfAssignmentsAvailable", 1)
        for found in client.pages("list_hits", "HITs")
        if found["HITId"] in ours and found.get("HITStatus") == "Assignable"
    )


def unknown(campaign: Campaign) -> list[str]:
    """Ids of HITs in the account that no listing of any campaign here names."""
    known = set(Listing.objects.filter(market_id__isnull=False).values_list("market_id", flat=True))
    client = client_of(campaign)
    found = {one["HITId"] for one in client.pages("list_hits", "HITs")}
    found |= {one["HITId"] for one in client.pages("list_reviewable_hits", "HITs")}
    return sorted(found - known)


def ledger(campaign: Campaign, hits: Collection[int] | None = None) -> Iterator[MarketPayment]:
    """Rewards of what was approved, and every bonus, as MTurk lists them; two calls a HIT."""
    client = client_of(campaign)

    def paid(listing: Listing) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return _assignments(client, listing), _bonuses(client, HITId=listing.market_id)

    listings = listings_of(campaign).filter(market_id__isnull=False)
    if hits is not None:
        listings = listings.filter(hit__in=hits)
    for listing, (assignments, bonuses) in in_parallel(list(listings), paid):
        for row in assignments:
            if row["AssignmentStatus"] == "Approved":
                yield MarketPayment("base", row["AssignmentId"], listing.hit.reward)
        for row in bonuses:
            amount = Decimal(row["BonusAmount"])
            yield MarketPayment("bonus", row["AssignmentId"], amount, row.get("Reason", ""))


def _bonuses(client: Client, **of: Any) -> list[dict[str, Any]]:
    try:
        return list(client.pages("list_bonus_payments", "BonusPayments", **of))
    except Refused as error:
        if error.code in ("HITDoesNotExist", "AssignmentDoesNotExist"):
            return []
        raise
