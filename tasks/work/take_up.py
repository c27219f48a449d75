"""Taking up on the site a HIT that a marketplace has given to a worker (rule P10)."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tasks.models import HIT, Assignment, Campaign, Place, Stop, Worker
from tasks.models.assignment import HANDED_IN, AssignmentState, MarketState
from tasks.models.campaign import State
from tasks.work.claiming import give_back, new_assignment, open_assignment


class NotOffered(Exception):
    """The worker may not do this HIT; the message tells them why, in a sentence."""


def take_up(hit: HIT, worker: Worker, key: str) -> Assignment:
    """The worker's assignment under the marketplace's `key`, new if need be (rule P10).

    The site serves the HIT even if it sees no free place: the marketplace must then have reclaimed,
    without notice, an assignment that is open, or answered but not handed in (`place_for` in
    tasks/work/submitting.py makes room). Raises NotOffered.
    """
    others = Assignment.objects.filter(campaign=hit.campaign_id, key=key).exclude(worker=worker)
    with transaction.atomic():
        ids = {worker.pk, *others.values_list("worker_id", flat=True)}
        list(Worker.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
        known = Assignment.objects.filter(campaign=hit.campaign_id, key=key, worker=worker).first()
        if known is not None:
            return known
        campaign = Campaign.objects.get(pk=hit.campaign_id)
        if Stop.objects.filter(campaign=campaign, worker=worker).exists():
            raise NotOffered("There is no more work of this study for you.")
        of_hit = Assignment.objects.filter(hit=hit, worker=worker)
        if of_hit.filter(state=AssignmentState.SUBMITTED).exists():
            raise NotOffered("You have answered this one before.")
        in_time = Q(state=AssignmentState.OPEN, expires_at__gt=timezone.now())
        if surrendered(campaign, worker.external_id, key) and others.filter(in_time).exists():
            raise NotOffered("This work is not yours any more.")
        for other in others:
            # An answer stays its worker's until a sync learns what became of it.
            if other.state == AssignmentState.SUBMITTED or not surrender(other):
                raise NotOffered("This work was handed in by somebody else.")
        wanted = Place.objects.filter(hit=hit, free_at__isnull=False)
        unsure = Place.objects.filter(
            hit=hit, free_at=None, holder__outcome="", holder__market_state=MarketState.UNREPORTED
        )
        if campaign.state in (State.FINISHED, State.CLOSED) or not (
            wanted.exists() or unsure.exists()
        ):
            raise NotOffered("This one has all the answers that it needs.")
        for older in of_hit.filter(state=AssignmentState.OPEN):
            give_back(older)
        free_now = wanted.filter(free_at__lte=timezone.now())
        place = free_now.select_for_update(of=("self",), skip_locked=True).first()
        if place is not None:
            assignment = open_assignment(campaign, worker, place, key)
        else:
            assignment = new_assignment(campaign, hit, worker, campaign.round, key)
            assignment.save(force_insert=True)
        return assignment


def surrender(assignment: Assignment) -> bool:
    """Take an assignment's key from it, because the marketplace has given it to another worker.

    The first worker must have returned the work. The place is freed, the assignment gets a new key
    (`surrendered` finds it), and an answer that never reached the marketplace is not used. False:
    the answer was handed in or reviewed. The caller holds the lock on the worker's row.
    """
    with transaction.atomic():
        places = Place.objects.select_for_update().filter(holder=assignment)
        held = [place.pk for place in places]
        locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if locked.outcome or locked.market_state in HANDED_IN:
            return False
        Place.objects.filter(pk__in=held).update(holder=None, free_at=timezone.now())
        locked.become("the marketplace", "given to another worker", state="returned")
        locked.key = f"{locked.key[:180]}-{locked.pk}"
        locked.market_state = MarketState.RETURNED
        locked.save(update_fields=["key", "market_state"])
        return True


def surrendered(campaign: Campaign, worker: str, key: str) -> Assignment | None:
    """The worker's newest assignment that `surrender` took this key from.

    `worker` is the marketplace's id. If the marketplace names that worker for the key after all,
    the assignment is theirs again (tasks/market/reconcile.py).
    """
    taken = Assignment.objects.filter(
        campaign=campaign,
        worker__crowd=campaign.crowd,
        worker__external_id=worker,
        key__startswith=f"{key[:180]}-",
        market_state=MarketState.RETURNED,
    )
    return taken.select_related("hit", "campaign", "worker").order_by("-pk").first()
