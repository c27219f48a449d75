"""Checks the invariants of a study that went through the stand-in, whatever went wrong."""

from collections import Counter
from decimal import Decimal

from tasks.crowds.mturk import marketplace
from tasks.crowds.mturk.models import live_listings_of
from tasks.market.gone import gone_hits
from tasks.models import Assignment, Campaign
from tasks.models.assignment import HANDED_IN
from tasks.money import differences, usd
from tasks.simulation.rehearsal.checks import wrong_answers
from tasks.simulation.rehearsal.market import Market


def audit(campaign: Campaign, market: Market) -> list[str]:
    """Everything that is wrong after a finished study, as sentences.

    Every pair must have R used judgments of distinct workers; the marketplace has nothing left to
    review; each side knows all HITs and assignments of the other; the ledgers agree to the cent.
    """
    return [*wrong_answers(campaign), *_assignments(campaign, market), *_money(campaign, market)]


def _assignments(campaign: Campaign, market: Market) -> list[str]:
    errors = []
    listed = set(live_listings_of(campaign).values_list("market_id", flat=True))
    ours = set(campaign.hits.values_list("public_id", flat=True))
    hits = {hit.id: hit for hit in market.hits.values() if market.public_id(hit) in ours}
    there = {name for name, hit in hits.items() if not hit.disposed}
    if listed != there:
        errors.append(f"HITs on one side only: {sorted(map(str, listed ^ there))}")
    if unknown := marketplace.unknown(campaign):
        errors.append(f"HITs that the site does not know: {unknown}")
    if names := [hit.id for hit in market.open_hits() if hit.id in hits]:
        errors.append(f"HITs that can still be accepted: {names}")
    on_market = {
        (assignment.id, assignment.worker): assignment.status.lower()
        for hit in hits.values()
        for assignment in hit.assignments
        if assignment.status != "Accepted"
    }
    on_site = {
        (assignment.key, assignment.worker.external_id): assignment.market_state
        for assignment in Assignment.objects.filter(campaign=campaign).select_related("worker")
        if assignment.market_state in HANDED_IN
    }
    if on_market != on_site:
        errors.append(f"assignments that differ: {set(on_market.items()) ^ set(on_site.items())}")
    if waiting := [name for name, status in on_market.items() if status == "submitted"]:
        errors.append(f"assignments that nobody has reviewed: {waiting}")
    return errors


def _money(campaign: Campaign, market: Market) -> list[str]:
    there = campaign.hits.exclude(pk__in=gone_hits(campaign))
    errors = differences(campaign, list(there.values_list("pk", flat=True)))
    if due := campaign.payments.filter(state="due").count():
        errors.append(f"{due} payments are due and have not gone out")
    keys = set(Assignment.objects.filter(campaign=campaign).values_list("key", flat=True))
    paid = [payment for payment in market.payments if payment.assignment in keys]
    twice = Counter((payment.kind, payment.assignment, payment.reason) for payment in paid)
    if more := [name for name, number in twice.items() if number > 1]:
        errors.append(f"paid twice: {more}")
    on_market = sum((payment.amount + payment.fee for payment in paid), Decimal(0))
    on_site = sum((payment.amount for payment in campaign.payments.all()), Decimal(0))
    if on_market != on_site:
        errors.append(f"the ledger has {usd(on_site)}, the marketplace {usd(on_market)}")
    return errors
