"""The invariants of a study that went through the stand-in, whatever went wrong on the way."""

from collections import Counter
from decimal import Decimal

from tasks.crowds import crowd_of
from tasks.crowds.mturk.models import Listing
from tasks.models import Assignment, Campaign, Place
from tasks.models.assignment import HANDED_IN, USED
from tasks.money import differences, usd
from tasks.simulation.rehearsal.market import Market


def audit(campaign: Campaign, market: Market) -> list[str]:
    """Everything that is not as it must be after a finished study, as sentences.

    Every pair has R used judgments of distinct workers; nothing there is unreviewed; each side
    knows all of the other's HITs and assignments; the ledgers agree to the cent.
    """
    return [*_answers(campaign), *_assignments(campaign, market), *_money(campaign, market)]


def _answers(campaign: Campaign) -> list[str]:
    found = []
    used = Assignment.objects.filter(USED, campaign=campaign)
    answers = Counter(used.values_list("hit_id", flat=True))
    wrong = {
        hit: answers[hit]
        for hit in campaign.hits.values_list("pk", flat=True)
        if answers[hit] != campaign.workers_per_item
    }
    if wrong:
        found.append(f"HITs without {campaign.workers_per_item} used answers: {wrong}")
    if used.values("hit", "worker").distinct().count() != used.count():
        found.append("a worker has two used answers to a HIT")
    if left := Place.objects.filter(campaign=campaign, free_at__isnull=False).count():
        found.append(f"{left} places are without an answer")
    return found


def _assignments(campaign: Campaign, market: Market) -> list[str]:
    found = []
    listed = set(Listing.objects.filter(hit__campaign=campaign).values_list("market_id", flat=True))
    ours = set(campaign.hits.values_list("public_id", flat=True))
    hits = {hit.id: hit for hit in market.hits.values() if market.public_id(hit) in ours}
    if listed != set(hits):
        found.append(f"HITs on one side only: {sorted(map(str, listed ^ set(hits)))}")
    if unknown := crowd_of(campaign).unknown(campaign):
        found.append(f"HITs that are not known here: {unknown}")
    if names := [hit.id for hit in market.open_hits() if hit.id in hits]:
        found.append(f"HITs that can still be accepted: {names}")
    there = {
        (one.id, one.worker): one.status.lower()
        for hit in hits.values()
        for one in hit.assignments
        if one.status != "Accepted"
    }
    here = {
        (one.key, one.worker.external_id): one.market_state
        for one in Assignment.objects.filter(campaign=campaign).select_related("worker")
        if one.market_state in HANDED_IN
    }
    if there != here:
        found.append(f"assignments that differ: {set(there.items()) ^ set(here.items())}")
    if waiting := [name for name, status in there.items() if status == "submitted"]:
        found.append(f"assignments that nobody has reviewed: {waiting}")
    return found


def _money(campaign: Campaign, market: Market) -> list[str]:
    found = differences(campaign)
    if due := campaign.payments.filter(state="due").count():
        found.append(f"{due} payments are due and have not gone out")
    keys = set(Assignment.objects.filter(campaign=campaign).values_list("key", flat=True))
    paid = [one for one in market.payments if one.assignment in keys]
    twice = Counter((one.kind, one.assignment, one.reason) for one in paid)
    if more := [name for name, number in twice.items() if number > 1]:
        found.append(f"paid twice: {more}")
    there = sum((one.amount + one.fee for one in paid), Decimal(0))
    here = sum((one.amount for one in campaign.payments.all()), Decimal(0))
    if there != here:
        found.append(f"the ledger has {usd(here)}, the marketplace {usd(there)}")
    return found
