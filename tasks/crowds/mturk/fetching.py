"""What MTurk reports of assignments and HITs."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from imagesets.clock import Now, database_now
from tasks.crowds import MarketAssignment
from tasks.crowds.mturk.client import Client, RequestRefused, client_of, in_parallel
from tasks.crowds.mturk.form_data import from_xml
from tasks.crowds.mturk.gone import Counts, counted, described, look_for_gone
from tasks.crowds.mturk.models import Listing, listings_of, live_listings_of
from tasks.crowds.mturk.offering import needs_of, set_expiry, settle
from tasks.models import HIT, Assignment, Campaign
from tasks.models.assignment import HANDED_IN, MarketState
from tasks.models.campaign import State

FINAL = (MarketState.APPROVED, MarketState.REJECTED)
OVERTURNED = timedelta(days=60)  # at most 30 from submit to rejection, and 30 more
LOOKED_AT = 50  # HITs with rejected work, at each fetch
CLOSED = ("Reviewable", "Reviewing")  # states of a HIT that nobody works on or can accept


def fetch(campaign: Campaign) -> Iterator[MarketAssignment]:
    """What was handed in on MTurk and the site does not know, or knows with another status.

    The counts in one list of all HITs (100 a call) show which of them have news.
    """
    client = client_of(campaign)
    settle(campaign, client)
    began = database_now()
    counts = {hit["HITId"]: hit for hit in client.pages("list_hits", "HITs")}
    look_for_gone(campaign, client, counts)
    listings = list(_with_news(campaign, counts))
    told = set()
    for listing, rows in in_parallel(listings, lambda asked: assignments_of(client, asked)):
        for row in rows:
            told.add(row["AssignmentId"])
            yield _reported(listing, row)
    for answer in _never_handed_in(campaign, counts, began):
        if answer.key not in told:  # the caller may not have stored yet what it was told last
            yield answer
    if campaign.state == State.OPEN:
        _extend_expired(campaign, client, counts)


def _never_handed_in(
    campaign: Campaign, counts: Counts, began: datetime
) -> Iterator[MarketAssignment]:
    """Stored answers to HITs that nobody has open on MTurk: they can no longer be handed in.

    MTurk reports neither a return nor an expiry, but it counts who has a HIT open. If its count
    lagged behind, the next fetch still reports the answer.
    """
    waiting = Assignment.objects.filter(
        campaign=campaign,
        state="submitted",
        market_state=MarketState.UNREPORTED,
        submitted_at__lt=began,
    ).select_related("worker")
    at_work: dict[int, int] = defaultdict(int)
    for listing in listings_of(campaign).filter(market_id__isnull=False, is_replaced=False):
        hit = counts.get(listing.market_id or "", {})
        at_work[listing.hit_id] += hit.get("NumberOfAssignmentsPending", 1)
    for answer in waiting:
        if not at_work[answer.hit_id]:
            worker = answer.worker.external_id
            yield MarketAssignment(answer.key, answer.hit_id, worker, "expired")


def _extend_expired(campaign: Campaign, client: Client, counts: Counts) -> None:
    """Offer HITs again that nobody can accept on MTurk although not all was handed in.

    MTurk decides whether they have expired, whatever the clocks say and whoever let them expire.
    """
    expired = [
        listing
        for need in needs_of(campaign).values()
        if need.unanswered and need.asked > need.handed_in
        for listing in need.listings
        if listing.gone_at is None
        and not listing.is_replaced
        and all(
            counts.get(sibling.market_id or "", {}).get("HITStatus") in CLOSED
            for sibling in need.listings
            if sibling.gone_at is None
        )
    ]
    ends = [counts[listing.market_id or ""].get("Expiration") for listing in expired]
    latest = max([client.now(), *filter(None, ends)])  # MTurk's clock shows this time, or a later
    set_expiry(client, expired, latest + timedelta(days=campaign.lifetime_days))


def _with_news(campaign: Campaign, counts: Counts) -> Iterator[Listing]:
    """Listings of HITs whose counts on MTurk differ from the site's.

    Also some HITs with rejected work: no count shows that a rejection was overturned on MTurk.
    """
    known = {
        row["hit"]: (row["handed_in"], row["final"])
        for row in Assignment.objects.filter(campaign=campaign, market_state__in=HANDED_IN)
        .order_by()
        .values("hit")
        .annotate(handed_in=Count("pk"), final=Count("pk", filter=Q(market_state__in=FINAL)))
    }
    rejected = Assignment.objects.filter(
        campaign=campaign,
        market_state=MarketState.REJECTED,
        submitted_at__gt=Now() - OVERTURNED,
    )
    sample = HIT.objects.filter(pk__in=rejected.values("hit")).order_by("?")
    again = set(sample.values_list("pk", flat=True)[:LOOKED_AT])
    by_hit: dict[int, list[Listing]] = defaultdict(list)
    for listing in live_listings_of(campaign):
        by_hit[listing.hit_id].append(listing)
    for hit_id, listings in by_hit.items():
        reported = [counted(counts.get(listing.market_id or "")) for listing in listings]
        clear = [pair for pair in reported if pair is not None]
        total = (sum(pair[0] for pair in clear), sum(pair[1] for pair in clear))
        if hit_id in again or len(clear) < len(reported) or known.get(hit_id, (0, 0)) != total:
            yield from listings


def assignments_of(client: Client, listing: Listing) -> list[dict[str, Any]]:
    """What was handed in to the listing's HIT, as MTurk describes it; nothing if it was deleted."""
    try:
        return list(
            client.pages("list_assignments_for_hit", "Assignments", HITId=listing.market_id)
        )
    except RequestRefused:
        if described(client, listing) is not None:
            raise
        return []  # deleted by hand, or long ago


def _reported(listing: Listing, row: dict[str, Any]) -> MarketAssignment:
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
    ours = set(live_listings_of(campaign).values_list("market_id", flat=True))
    client = client_of(campaign)
    return sum(
        hit.get("NumberOfAssignmentsAvailable", 1)
        for hit in client.pages("list_hits", "HITs")
        if hit["HITId"] in ours and hit.get("HITStatus") == "Assignable"
    )


def unknown(campaign: Campaign) -> list[str]:
    """Ids of HITs in the account that belong to no listing of any campaign."""
    known = set(Listing.objects.filter(market_id__isnull=False).values_list("market_id", flat=True))
    client = client_of(campaign)
    ids = {hit["HITId"] for hit in client.pages("list_hits", "HITs")}
    ids |= {hit["HITId"] for hit in client.pages("list_reviewable_hits", "HITs")}
    return sorted(ids - known)
