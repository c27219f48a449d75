"""HITs that the marketplace no longer has: what is lost, and what somebody decides (rule P18).

The study goes on with the others. A lost HIT waits until somebody offers it anew or gives it up.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from imagesets.clock import Now
from tasks.crowds import marketplace_of
from tasks.models import HIT, Assignment, Campaign, Place, Transition
from tasks.models.assignment import AssignmentState, MarketState, Outcome
from tasks.models.campaign import State
from tasks.models.refused import Refused

ALL = "all"
NAMED = 5  # HITs in one sentence
# Places that nobody can answer without the marketplace.
UNANSWERED = Q(free_at__isnull=False) | Q(
    holder__market_state=MarketState.UNREPORTED,
    holder__outcome=Outcome.NONE,
    holder__imported=False,
)


@dataclass(frozen=True)
class Lost:
    """A HIT that is gone while answers to it are wanted."""

    hit: HIT
    name: str  # the marketplace's
    wanted: int  # answers

    def __str__(self) -> str:
        return f"{self.hit.key} ({self.name})"


def gone_hits(campaign: Campaign, even_replaced: bool = True) -> set[int]:
    """HITs (ids) of which the marketplace no longer has something, whoever has given them up."""
    market = marketplace_of(campaign)
    all_gone = market.gone(campaign) if market is not None else ()
    return {one.hit_id for one in all_gone if even_replaced or not one.is_replaced}


def lost_hits(campaign: Campaign) -> list[Lost]:
    """The HITs that wait for a decision, as of the last sync; asks the database alone."""
    market = marketplace_of(campaign)
    if market is None or campaign.state not in (State.OPEN, State.PAUSED):
        return []
    names = {one.hit_id: one.name for one in market.gone(campaign) if not one.is_replaced}
    hits = HIT.objects.filter(pk__in=names, given_up_at=None).order_by("pk")
    unanswered = _unanswered(names).values_list("hit").annotate(Count("pk"))
    wanted = dict(unanswered.order_by())
    return [Lost(hit, names[hit.pk], wanted[hit.pk]) for hit in hits if hit.pk in wanted]


def _unanswered(hits: Collection[int]) -> QuerySet[Place]:
    return Place.objects.filter(UNANSWERED, hit__in=hits)


def named(campaign: Campaign, lost: list[Lost]) -> str:
    """What is lost, in a sentence or two; "": nothing is."""
    if not lost:
        return ""
    hits = HIT.objects.filter(campaign=campaign, given_up_at=None).count()
    some = ", ".join(map(str, lost[:NAMED]))
    more = f" and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
    told = f"gone at the marketplace: {some}{more}."
    if len(lost) < hits or hits == 1:
        return f"{len(lost):,} of {hits:,} HITs {'is' if len(lost) == 1 else 'are'} {told}"
    return (
        f"all {hits:,} HITs are {told} Is this the account and endpoint at which the campaign"
        " was published?"
    )


def told(campaign: Campaign, lost: list[Lost]) -> str:
    """What is lost, and which commands decide, in sentences; "": nothing is."""
    if not lost:
        return ""
    return (
        f"{named(campaign, lost)} The others go on. Offer these again or give them up: Sync on the"
        f" campaign's page, or sync {campaign.slug} --offer-again {lost[0].hit.key} (or --give-up;"
        f" by name, or `{ALL}`)."
    )


def chosen(campaign: Campaign, lost: list[Lost], names: Collection[str]) -> list[HIT]:
    """The lost HITs of those names: our key, the marketplace's, or `all`. Raises Refused."""
    by_name = {name: one.hit for one in lost for name in (one.hit.key, one.name)}
    if unknown := sorted(set(names) - set(by_name) - {ALL}):
        there_are = ", ".join(map(str, lost[:NAMED])) or "none"
        raise Refused(
            f"campaign {campaign.slug}: {unknown[0]} is not a HIT that the marketplace has lost"
            f" (there are: {there_are})"
        )
    return [one.hit for one in lost if ALL in names or {one.hit.key, one.name} & set(names)]


def give_up(campaign: Campaign, hits: Collection[HIT], who: str) -> int:
    """Ask no more answers to these HITs; those that they have stay. Returns how many are lacking.

    An answer that the marketplace has not told of can no longer be handed in: it does not count.
    """
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        ids = [hit.pk for hit in hits]
        places = list(_unanswered(ids).select_for_update(of=("self",)).select_related("holder"))
        holders = [place.holder for place in places if place.holder and place.free_at is None]
        Place.objects.filter(pk__in=[place.pk for place in places]).delete()
        untold = Assignment.objects.filter(pk__in=[answer.pk for answer in holders])
        for answer in untold.select_for_update():
            answer.become(who, "its HIT was given up", state=AssignmentState.EXPIRED)
        for hit in HIT.objects.filter(pk__in=ids, given_up_at=None):
            Transition.objects.create(
                campaign=locked,
                subject=f"HIT {hit.key}"[:100],
                before="gone",
                after="given up",
                who=who,
                why=f"{hit.places.count()} of {locked.workers_per_item} answers",
            )
        HIT.objects.filter(pk__in=ids).update(given_up_at=Now())
    return len(places)


def offer_again(campaign: Campaign, hits: Collection[HIT], who: str) -> None:
    """Let the next offer make these HITs anew on the marketplace. Raises CrowdError."""
    market = marketplace_of(campaign)
    if market is None or not hits:
        return
    market.offer_anew(campaign, [hit.pk for hit in hits])
    for hit in hits:
        Transition.objects.create(
            campaign=campaign, subject=f"HIT {hit.key}"[:100], before="gone", after="anew", who=who
        )
