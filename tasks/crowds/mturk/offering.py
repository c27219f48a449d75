"""Puts a campaign's places before MTurk's workers: exactly one MTurk HIT per listing, ever.

Before asking MTurk to create anything, each step writes that down (`asked_at`, `asked_for`). After
an interruption the next run finds out what became of the request before it asks again: by ListHITs
and the annotation for a HIT, by GetHIT for added assignments. The request tokens, which MTurk
forgets after 24 hours, cover requests that are still on their way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from django.db.models import Count, F, Q

from imagesets.clock import Now
from tasks.crowds.mturk.client import Client, RequestRefused, client_of, ids_in, in_parallel
from tasks.crowds.mturk.gone import described, mark_gone
from tasks.crowds.mturk.hit_types import hit_types, question
from tasks.crowds.mturk.models import MOST_ASSIGNMENTS, Listing, listings_of, live_listings_of
from tasks.models import HIT, Assignment, Campaign, Place
from tasks.models.assignment import HANDED_IN, MarketState

BATCH = 200  # rows marked before MTurk is asked for them
SAVED = 20  # rows saved at a time; `settle` finds again what a crash loses


@dataclass
class Need:
    """What a HIT should have on MTurk."""

    places: int = 0  # answers wanted by now, given or not
    unanswered: int = 0  # as far as MTurk has told: an answer that only the site has may be forged
    handed_in: int = 0
    wasted: int = 0  # handed in, but their answers hold no place on the site
    listings: list[Listing] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.places + self.wasted

    @property
    def asked(self) -> int:
        return sum(listing.asked_for for listing in self.listings)


def needs_of(campaign: Campaign) -> dict[int, Need]:
    """What each HIT of the campaign should have on MTurk, by the HIT's id."""
    needs: dict[int, Need] = defaultdict(Need)
    places = Place.objects.filter(campaign=campaign).order_by().values("hit")
    untold = Q(holder__market_state=MarketState.UNREPORTED, holder__imported=False)
    left = Count("pk", filter=Q(free_at__isnull=False) | untold)
    for row in places.annotate(all=Count("pk"), left=left):
        needs[row["hit"]].places, needs[row["hit"]].unanswered = row["all"], row["left"]
    handed_in = Assignment.objects.filter(campaign=campaign, market_state__in=HANDED_IN)
    placed = Count("pk", filter=Q(place__isnull=False, place__free_at=None))
    counts = handed_in.order_by().values("hit").annotate(all=Count("pk"), placed=placed)
    for count in counts:
        needs[count["hit"]].handed_in = count["all"]
        needs[count["hit"]].wasted = count["all"] - count["placed"]
    for listing in listings_of(campaign):
        needs[listing.hit_id].listings.append(listing)
    return needs


def offer(campaign: Campaign) -> None:
    """Let MTurk have as many assignments, free or in work, as the site has unanswered places."""
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
            wanted = need.unanswered and not listing.is_replaced
            if wanted and (listing.expires_at is None or listing.expires_at <= now):
                extended.append(listing)
            elif not wanted and (done or listing.is_replaced or need.asked > need.handed_in):
                ended.append(listing)
    offered = [item for need in needs.values() if need.unanswered for item in need.listings]
    _follow_settings(campaign, client, offered)
    set_expiry(client, extended, now + lifetime)
    end(client, ended)


def _follow_settings(campaign: Campaign, client: Client, offered: list[Listing]) -> None:
    """Give HITs that workers may still accept the HIT type that the campaign's settings make now.

    Whoever has accepted one already keeps their time.
    """
    types = hit_types(campaign, client)
    other = [
        listing
        for listing in offered
        if listing.market_id is not None
        and listing.gone_at is None
        and listing.hit_type != types[listing.hit.reward]
    ]

    def call(listing: Listing) -> bool:
        """False: the HIT is gone."""
        kind = types[listing.hit.reward]
        try:
            client.call("update_hit_type_of_hit", HITId=listing.market_id, HITTypeId=kind)
        except RequestRefused:
            if described(client, listing) is not None:
                raise
            return False
        return True

    for listing, is_changed in in_parallel(other, call):
        if is_changed:
            Listing.objects.filter(pk=listing.pk).update(hit_type=types[listing.hit.reward])
        else:
            mark_gone([listing])


def withdraw(campaign: Campaign) -> None:
    """Let nobody accept anything any more; work that is running may be handed in."""
    client = client_of(campaign)
    settle(campaign, client)
    end(client, listings_of(campaign))


def settle(campaign: Campaign, client: Client) -> None:
    """Find out what became of requests that MTurk never answered."""
    lost = listings_of(campaign).filter(market_id=None, asked_at__isnull=False)
    _save(_found(list(lost), client))
    _confirm_doubtful(campaign, client)


def _found(lost: list[Listing], client: Client, enough: Event | None = None) -> list[Listing]:
    """Those of the listings that MTurk has after all, not yet saved."""
    by_name = {listing.annotation: listing for listing in lost}
    made = []
    for hit in client.pages("list_hits", "HITs") if lost else ():
        if listing := by_name.pop(hit.get("RequesterAnnotation", ""), None):
            made.append(_made(listing, hit))
        if not by_name or (enough and enough.is_set()):
            break
    return made


def _confirm_doubtful(campaign: Campaign, client: Client) -> None:
    """Ask how many assignments the listings have whose request for more was never answered."""
    doubtful = live_listings_of(campaign).filter(asked_for__gt=F("max_assignments"))
    for listing, hit in in_parallel(list(doubtful), lambda asked: described(client, asked)):
        if hit is None:
            mark_gone([listing])
        else:
            _confirm(listing, hit["MaxAssignments"])


def _write_down(needs: dict[int, Need]) -> None:
    """Write rows for the MTurk HITs to be created, beyond what existing ones can still take."""
    new = []
    for hit_id, need in needs.items():
        missing = need.total - need.asked - sum(_room(listing) for listing in need.listings)
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
    return 0 if listing.is_replaced else MOST_ASSIGNMENTS - listing.asked_for


def _create(campaign: Campaign, client: Client) -> None:
    """Create the MTurk HITs of the listings that have none.

    Look first for those that were asked for before, and make the others meanwhile.
    """
    waiting = list(listings_of(campaign).filter(market_id=None))
    lost = [listing for listing in waiting if listing.asked_at is not None]
    enough = Event()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(_found, lost, client, enough)
        try:
            _make(campaign, client, [listing for listing in waiting if listing.asked_at is None])
            _save(looking.result())
        finally:
            enough.set()
    _make(campaign, client, [listing for listing in lost if listing.market_id is None])


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
        except RequestRefused as error:
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
    """Yield the listings, each recorded as asked for before it is."""
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        Listing.objects.filter(pk__in=[listing.pk for listing in batch], asked_at=None).update(
            asked_at=Now()
        )
        yield from batch


def _made_before(client: Client, listing: Listing, error: RequestRefused) -> dict[str, Any]:
    """The HIT that this listing's token made before: MTurk's error names it."""
    for name in ids_in(str(error)):
        try:
            hit = client.call("get_hit", HITId=name)["HIT"]
        except RequestRefused:
            continue
        if hit.get("RequesterAnnotation") == listing.annotation:
            return hit
    for hit in client.pages("list_hits", "HITs"):
        if hit.get("RequesterAnnotation") == listing.annotation:
            return hit
    raise error


def _made(listing: Listing, hit: dict[str, Any]) -> Listing:
    """The listing with MTurk's description of its HIT, not yet saved."""
    number = min(hit.get("MaxAssignments") or listing.asked_for, MOST_ASSIGNMENTS)
    listing.market_id, listing.hit_type = hit["HITId"], hit.get("HITTypeId", "")
    listing.max_assignments = listing.asked_for = number
    listing.expires_at = hit.get("Expiration")
    return listing


def _save(made: list[Listing]) -> None:
    fields = ["market_id", "hit_type", "max_assignments", "asked_for", "expires_at"]
    Listing.objects.bulk_update(made, fields)


def _confirm(listing: Listing, number: int) -> None:
    """Record how many assignments MTurk says the HIT has."""
    if number > listing.max_assignments:
        listing.expires_at = (
            None  # the new lifetime that belongs to the addition is still to be set
        )
    listing.max_assignments = listing.asked_for = min(number, MOST_ASSIGNMENTS)
    listing.save(update_fields=["max_assignments", "asked_for", "expires_at"])


def _add_assignments(needs: Iterable[Need], client: Client) -> None:
    """Add assignments to HITs that MTurk has, and give each its full lifetime again."""
    growing: list[Listing] = []
    for need in needs:
        missing = need.total - need.asked
        for listing in need.listings:
            more = min(missing, _room(listing))
            if more > 0 and listing.market_id is not None and listing.gone_at is None:
                listing.asked_for += more
                missing -= more
                growing.append(listing)

    def written_down() -> Iterator[Listing]:
        for start in range(0, len(growing), BATCH):
            batch = growing[start : start + BATCH]
            Listing.objects.bulk_update(batch, ["asked_for"])
            yield from batch

    for listing, number in in_parallel(written_down(), lambda raised: _add(client, raised)):
        if number is None:
            mark_gone([listing])
        else:
            _confirm(listing, number)


def _add(client: Client, listing: Listing) -> int | None:
    """Raise MaxAssignments to `asked_for`. Returns its new value; None: the HIT is gone."""
    before, wanted = listing.max_assignments, listing.asked_for
    try:
        client.call(
            "create_additional_assignments_for_hit",
            HITId=listing.market_id,
            NumberOfAdditionalAssignments=wanted - before,
            UniqueRequestToken=f"{listing.token}+{before}-{wanted}",
        )
    except RequestRefused:
        hit = described(client, listing)
        if hit is None:
            return None
        if hit["MaxAssignments"] < wanted:
            raise
        return hit["MaxAssignments"]
    return wanted


def set_expiry(client: Client, listings: list[Listing], until: datetime) -> None:
    """Set until when the listings' HITs can be accepted, on MTurk and in their rows."""

    def call(listing: Listing) -> bool:
        """False: the HIT is gone."""
        try:
            client.call("update_expiration_for_hit", HITId=listing.market_id, ExpireAt=until)
        except RequestRefused as error:
            if "already been processed" in str(error):  # the same expiry was set a moment ago
                return True
            if described(client, listing) is not None:
                raise
            return False
        return True

    made = [item for item in listings if item.market_id is not None and item.gone_at is None]
    for listing, is_set in in_parallel(made, call):
        if is_set:
            Listing.objects.filter(pk=listing.pk).update(expires_at=until)
        else:
            mark_gone([listing])


def end(client: Client, listings: Iterable[Listing]) -> None:
    """Let the HITs that could still be accepted expire now."""
    now = client.now()
    set_expiry(
        client,
        [item for item in listings if item.expires_at is None or item.expires_at > now],
        now - timedelta(seconds=1),
    )
