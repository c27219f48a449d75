"""HITs that MTurk no longer has: deleted, disposed of, or of another account or endpoint.

ListHITs names every HIT but these; GetHIT, which is more current, decides. A listing that is gone
is left alone until it comes back, or until somebody decides what becomes of its HIT.
"""

import random
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Sum

from imagesets.clock import Now
from tasks.crowds import GoneHIT
from tasks.crowds.mturk.client import Client, RequestRefused, client_of, in_parallel
from tasks.crowds.mturk.models import HITType, Listing, listings_of
from tasks.models import Assignment, Campaign
from tasks.models.assignment import HANDED_IN

SAMPLE = 20  # HITs asked for one by one where MTurk lists none of the campaign's
Counts = dict[str, dict[str, Any]]  # MTurk's description of each HIT, by its id


def described(client: Client, listing: Listing) -> dict[str, Any] | None:
    """MTurk's description of the listing's HIT; None: it is gone."""
    try:
        hit = client.call("get_hit", HITId=listing.market_id)["HIT"]
    except RequestRefused as error:
        if error.code == "HITDoesNotExist" or "does not exist" in str(error):
            return None
        raise
    return None if hit.get("HITStatus") == "Disposed" else hit


def counted(hit: dict[str, Any] | None) -> tuple[int, int] | None:
    """(handed in, approved or rejected of these) by a HIT's counts; None: they do not say."""
    names = ("MaxAssignments", "NumberOfAssignmentsAvailable", "NumberOfAssignmentsPending")
    if hit is None or any(hit.get(name) is None for name in names):
        return None
    total, available, pending = (hit[name] for name in names)
    return total - available - pending, hit.get("NumberOfAssignmentsCompleted") or 0


def look_for_gone(campaign: Campaign, client: Client, counts: Counts) -> None:
    """Record which of the campaign's HITs are gone, and which have come back.

    `counts`: what ListHITs names; gets what it does not name yet although MTurk has it.
    """
    listings = list(listings_of(campaign).filter(market_id__isnull=False))
    listed = {item.pk for item in listings if _is_there(counts.get(item.market_id or ""))}
    back = [item for item in listings if item.pk in listed and item.gone_at is not None]
    for listing in back:
        listing.gone_at = None
        listing.expires_at = counts[listing.market_id or ""].get("Expiration")
    Listing.objects.bulk_update(back, ["gone_at", "expires_at"])
    missing = [item for item in listings if item.pk not in listed and item.gone_at is None]
    some = missing if listed else random.sample(missing, min(SAMPLE, len(missing)))
    found = _found(client, some, counts)
    if found and len(some) < len(missing):  # MTurk has them, but its list lags behind
        found |= _found(client, missing, counts)
    mark_gone(item for item in missing if item.pk not in found)


def _is_there(hit: dict[str, Any] | None) -> bool:
    return hit is not None and hit.get("HITStatus") != "Disposed"


def _found(client: Client, listings: list[Listing], counts: Counts) -> set[int]:
    """Those of the listings (ids) that MTurk describes after all; `counts` gets its words."""
    found = set()
    for listing, hit in in_parallel(listings, lambda asked: described(client, asked)):
        if hit is not None:
            counts[hit["HITId"]] = hit
            found.add(listing.pk)
    return found


def mark_gone(listings: Iterable[Listing]) -> None:
    """Record that MTurk does not have these any more."""
    ids = [listing.pk for listing in listings]
    Listing.objects.filter(pk__in=ids, gone_at=None).update(gone_at=Now())


def gone(campaign: Campaign) -> list[GoneHIT]:
    """The campaign's HITs that were gone when MTurk was last asked."""
    listings = listings_of(campaign).filter(gone_at__isnull=False)
    return [GoneHIT(one.hit_id, one.market_id or "", one.is_replaced) for one in listings]


def offer_anew(campaign: Campaign, hits: Collection[int]) -> None:
    """Let the next offer make HITs in place of those that are gone, for what is still wanted.

    A listing that is gone then counts for no more assignments than were handed in by it.
    """
    client = client_of(campaign)
    HITType.objects.filter(campaign=campaign).delete()  # another account does not know them
    for listing in listings_of(campaign).filter(
        hit__in=hits, gone_at__isnull=False, is_replaced=False
    ):
        of_hit = Assignment.objects.filter(hit=listing.hit_id, market_state__in=HANDED_IN)
        siblings = Listing.objects.filter(hit=listing.hit_id).exclude(pk=listing.pk)
        kept = siblings.filter(is_replaced=True).aggregate(n=Sum("asked_for", default=0))["n"]
        for sibling in siblings.filter(gone_at=None, market_id__isnull=False):
            kept += (counted(described(client, sibling)) or (0, 0))[0]
        number = min(max(of_hit.count() - kept, 0), listing.asked_for)
        listing.asked_for = listing.max_assignments = number
        listing.is_replaced = True
        listing.save(update_fields=["asked_for", "max_assignments", "is_replaced"])
