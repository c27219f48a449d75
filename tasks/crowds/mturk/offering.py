"""Puts a campaign's places before MTurk's workers: exactly one MTurk HIT per listing, ever.

Every step that creates is written down before MTurk is asked (`asked_at`, `asked_for`). Whatever
broke off, the next run looks at what became of it before it asks again: by ListHITs and the
annotation for a HIT, by GetHIT for assignments added. The request tokens, which MTurk forgets
after 24 hours, cover what is still on its way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from django.db.models import Count, F, Q
from django.utils import timezone

from tasks.crowds.mturk.client import Client, Refused, client_of, ids_in, in_parallel
from tasks.crowds.mturk.hit_types import hit_types, question
from tasks.crowds.mturk.models import MOST_ASSIGNMENTS, Listing
from tasks.models import HIT, Assignment, Campaign, Place
from tasks.models.assignment import HANDED_IN

BATCH = 200  # rows marked before they are asked for
SAVED = 20  # rows saved at a time; what a crash takes with it is found again by `settle`


def listings_of(campaign: Campaign):
    """The campaign's listings, with their HITs."""
    return Listing.objects.filter(hit__campaign=campaign).select_related("hit").order_by("pk")


@dataclass
class Need:
    """What a HIT should have there."""

    places: int = 0  # answers wanted by now, given or not
    unanswered: int = 0
    wasted: int = 0  # assignments used up there whose answers hold no place here
    told: int = 0  # assignments used up there
    listings: list[Listing] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.places + self.wasted

    @property
    def asked(self) -> int:
        return sum(one.asked_for for one in self.listings)


def needs_of(campaign: Campaign) -> dict[int, Need]:
    """What each HIT of the campaign should have, by its id."""
    needs: dict[int, Need] = defaultdict(Need)
    places = Place.objects.filter(campaign=campaign).order_by().values("hit")
    for row in places.annotate(all=Count("pk"), left=Count("pk", filter=Q(free_at__isnull=False))):
        needs[row["hit"]].places, needs[row["hit"]].unanswered = row["all"], row["left"]
    told = Assignment.objects.filter(campaign=campaign, market_state__in=HANDED_IN)
    placed = Q(place__isnull=False, place__free_at=None)
    counts = (
        told.order_by().values("hit").annotate(all=Count("pk"), placed=Count("pk", filter=placed))
    )
    for one in counts:
        needs[one["hit"]].told = one["all"]
        needs[one["hit"]].wasted = one["all"] - one["placed"]
    for listing in Listing.objects.filter(hit__campaign=campaign).order_by("pk"):
        needs[listing.hit_id].listings.append(listing)
    return needs


def offer(campaign: Campaign) -> None:
    """As many assignments there, open or in work, as places are unanswered here; see Crowd."""
    client = client_of(campaign)
    _confirm_doubtful(campaign, client)
    _write_down(needs_of(campaign))
    _create(campaign, client)
    needs = needs_of(campaign)
    _add_assignments(needs.values(), client)
    done = campaign.target >= campaign.workers_per_item
    lifetime = timedelta(days=campaign.lifetime_days)
    now = client.now()
    extended, ended = [], []
    for need in needs.values():
        for listing in need.listings:
            if need.unanswered and (listing.expires_at is None or listing.expires_at <= now):
                extended.append(listing)
            elif not need.unanswered and (done or need.asked > need.told):
                ended.append(listing)
    set_expiry(client, extended, now + lifetime)
    end(client, ended)


def withdraw(campaign: Campaign) -> None:
    """Nobody can accept anything any more; what is in work may be handed in."""
    client = client_of(campaign)
    settle(campaign, client)
    end(client, listings_of(campaign))


def settle(campaign: Campaign, client: Client) -> None:
    """Find out what became of requests whose answer never came."""
    lost = listings_of(campaign).filter(market_id=None, asked_at__isnull=False)
    _save(_found(list(lost), client))
    _confirm_doubtful(campaign, client)


def _found(lost: list[Listing], client: Client, enough: Event | None = None) -> list[Listing]:
    """Those of the listings that are there after all, not yet saved."""
    by_name = {one.annotation: one for one in lost}
    found = []
    for hit in client.pages("list_hits", "HITs") if lost else ():
        if listing := by_name.pop(hit.get("RequesterAnnotation", ""), None):
            found.append(_made(listing, hit))
        if not by_name or (enough and enough.is_set()):
            break
    return found


def _confirm_doubtful(campaign: Campaign, client: Client) -> None:
    """Ask how many assignments those have that were to get more, where no answer came."""
    doubtful = listings_of(campaign).filter(
        market_id__isnull=False, asked_for__gt=F("max_assignments")
    )
    for listing, found in in_parallel(
        list(doubtful), lambda one: client.call("get_hit", HITId=one.market_id)["HIT"]
    ):
        _confirm(listing, found["MaxAssignments"])


def _write_down(needs: dict[int, Need]) -> None:
    """Rows for what is to be created; what can be added to a HIT there is added to that."""
    new = []
    for hit_id, need in needs.items():
        missing = need.total - need.asked - sum(_room(one) for one in need.listings)
        number = len(need.listings)
        while missing > 0:
            number += 1
            new.append((hit_id, number, min(missing, MOST_ASSIGNMENTS)))
            missing -= MOST_ASSIGNMENTS
    names = dict(
        HIT.objects.filter(pk__in={hit for hit, _, _ in new}).values_list("pk", "public_id")
    )
    Listing.objects.bulk_create(
        [
            Listing(hit_id=hit, number=number, asked_for=wanted, token=f"{names[hit]}-{number}")
            for hit, number, wanted in new
        ],
        batch_size=2000,
        ignore_conflicts=True,
    )


def _room(listing: Listing) -> int:
    return MOST_ASSIGNMENTS - listing.asked_for


def _create(campaign: Campaign, client: Client) -> None:
    """The MTurk HITs of the listings that have none.

    Those that were asked for before are looked for first; meanwhile the others are made.
    """
    waiting = list(listings_of(campaign).filter(market_id=None))
    lost = [one for one in waiting if one.asked_at is not None]
    enough = Event()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(_found, lost, client, enough)
        try:
            _make(campaign, client, [one for one in waiting if one.asked_at is None])
            _save(looking.result())
        finally:
            enough.set()
    _make(campaign, client, [one for one in lost if one.market_id is None])


def _make(campaign: Campaign, client: Client, waiting: list[Listing]) -> None:
    """Ask MTurk for a HIT for each of the listings."""
    if not waiting:
        return
    types = hit_types(campaign, client)
    lifetime = campaign.lifetime_days * 24 * 3600

    def create(listing: Listing) -> dict[str, Any]:
        try:
            return client.call(
                "create_hit_with_hit_type",
                HITTypeId=types[listing.hit.reward],
                MaxAssignments=listing.asked_for,
                LifetimeInSeconds=lifetime,
                Question=question(listing.hit),
                RequesterAnnotation=listing.annotation,
                UniqueRequestToken=listing.token,
            )["HIT"]
        except Refused as error:
            if "AlreadyExists" not in error.code and "lready" not in str(error):
                raise
            return _made_before(client, listing, error)

    new: list[Listing] = []
    try:
        for listing, made in in_parallel(_marked(waiting), create):
            new.append(_made(listing, made))
            if len(new) == SAVED:
                _save(new)
                new = []
    finally:
        _save(new)


def _marked(waiting: list[Listing]) -> Iterator[Listing]:
    """The listings, each written down as asked for before it is."""
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        Listing.objects.filter(pk__in=[one.pk for one in batch], asked_at=None).update(
            asked_at=timezone.now()
        )
        yield from batch


def _made_before(client: Client, listing: Listing, error: Refused) -> dict[str, Any]:
    """The HIT that this listing's token has made already: MTurk names it in the error."""
    for name in ids_in(str(error)):
        try:
            found = client.call("get_hit", HITId=name)["HIT"]
        except Refused:
            continue
        if found.get("RequesterAnnotation") == listing.annotation:
            return found
    for found in client.pages("list_hits", "HITs"):
        if found.get("RequesterAnnotation") == listing.annotation:
            return found
    raise error


def _made(listing: Listing, found: dict[str, Any]) -> Listing:
    """The listing with what MTurk says of it, not yet saved."""
    number = min(found.get("MaxAssignments") or listing.asked_for, MOST_ASSIGNMENTS)
    listing.market_id = found["HITId"]
    listing.max_assignments = listing.asked_for = number
    listing.expires_at = found.get("Expiration")
    return listing


def _save(made: list[Listing]) -> None:
    fields = ["market_id", "max_assignments", "asked_for", "expires_at"]
    Listing.objects.bulk_update(made, fields)


def _confirm(listing: Listing, number: int) -> None:
    """MTurk has said how many assignments the HIT has."""
    if number > listing.max_assignments:
        listing.expires_at = None  # whatever was to follow the addition has not been seen to
    listing.max_assignments = listing.asked_for = min(number, MOST_ASSIGNMENTS)
    listing.save(update_fields=["max_assignments", "asked_for", "expires_at"])


def _add_assignments(needs: Iterable[Need], client: Client) -> None:
    """Further assignments for HITs that are there, and the full lifetime again with each."""
    growing: list[Listing] = []
    for need in needs:
        missing = need.total - need.asked
        for listing in need.listings:
            more = min(missing, _room(listing))
            if more > 0 and listing.market_id is not None:
                listing.asked_for += more
                missing -= more
                growing.append(listing)

    def written_down() -> Iterator[Listing]:
        for start in range(0, len(growing), BATCH):
            batch = growing[start : start + BATCH]
            Listing.objects.bulk_update(batch, ["asked_for"])
            yield from batch

    for listing, number in in_parallel(written_down(), lambda one: _add(client, one)):
        _confirm(listing, number)


def _add(client: Client, listing: Listing) -> int:
    """Raise MaxAssignments to `asked_for`; what it is afterwards."""
    before, wanted = listing.max_assignments, listing.asked_for
    try:
        client.call(
            "create_additional_assignments_for_hit",
            HITId=listing.market_id,
            NumberOfAdditionalAssignments=wanted - before,
            UniqueRequestToken=f"{listing.token}+{before}-{wanted}",
        )
    except Refused:
        number = client.call("get_hit", HITId=listing.market_id)["HIT"]["MaxAssignments"]
        if number < wanted:
            raise
        return number
    return wanted


def set_expiry(client: Client, listings: list[Listing], until: datetime) -> None:
    """Tell MTurk until when those that are there can be accepted, and write it down."""

    def call(listing: Listing) -> None:
        try:
            client.call("update_expiration_for_hit", HITId=listing.market_id, ExpireAt=until)
        except Refused as error:
            # The very same expiry was asked for a moment ago; or nobody can accept it anyway.
            if "already been processed" not in str(error) and error.code != "HITDoesNotExist":
                raise

    there = [one for one in listings if one.market_id is not None]
    for listing, _ in in_parallel(there, call):
        Listing.objects.filter(pk=listing.pk).update(expires_at=until)


def end(client: Client, listings: Iterable[Listing]) -> None:
    """Let those that could still be accepted expire now."""
    now = client.now()
    set_expiry(
        client,
        [one for one in listings if one.expires_at is None or one.expires_at > now],
        now - timedelta(seconds=1),
    )
