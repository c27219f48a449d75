"""The crowd as the engine knows it (tasks/crowds/__init__.py)."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from tasks.crowds import MarketAssignment, MarketPayment
from tasks.crowds.mturk import fetching, offering, paying
from tasks.crowds.mturk.client import client_of
from tasks.crowds.mturk.frame import hand_in, visit
from tasks.crowds.mturk.hit_types import troubles
from tasks.models import HIT, Assignment, Campaign

CENT, STEP = Decimal("0.01"), Decimal("0.05")
FEE = Decimal("0.2")  # of a HIT of at most 9 assignments, which is all that is ever made


class MTurk:
    """Amazon Mechanical Turk, or whatever speaks its API at MTURK_ENDPOINT_URL."""

    name = "mturk"
    about = (
        "Workers of a marketplace with Mechanical Turk's API, at MTURK_ENDPOINT_URL. Amazon's own"
        " closed for good on September 30, 2026: try a study with `manage.py rehearse`."
    )
    accepts_at_once = False
    gives_places = True
    pays = True

    def time_allowed(self, campaign: Campaign, hit: HIT) -> timedelta:
        """The HIT type's AssignmentDuration."""
        return timedelta(minutes=campaign.assignment_minutes)

    def missing(self, campaign: Campaign) -> list[str]:
        return troubles(campaign)

    def round_reward(self, amount: Decimal) -> Decimal:
        """To 5 cents, upwards: each reward is a HIT type of its own, and few are wanted."""
        return max(STEP, (amount / STEP).quantize(Decimal(1), ROUND_CEILING) * STEP)

    def fee(self, amount: Decimal) -> Decimal:
        """20 %, at least a cent; by MTurk's pricing page half a cent is rounded up."""
        return max(CENT, (amount * FEE).quantize(CENT, ROUND_HALF_UP))

    def offer(self, campaign: Campaign) -> None:
        offering.offer(campaign)

    def withdraw(self, campaign: Campaign) -> None:
        offering.withdraw(campaign)

    def fetch(self, campaign: Campaign) -> Iterator[MarketAssignment]:
        return fetching.fetch(campaign)

    def unknown(self, campaign: Campaign) -> list[str]:
        return fetching.unknown(campaign)

    def places_available(self, campaign: Campaign) -> int:
        return fetching.places_available(campaign)

    def approve(self, assignment: Assignment) -> None:
        paying.approve(assignment)

    def reject(self, assignment: Assignment, feedback: str) -> None:
        paying.reject(assignment, feedback)

    def bonus(self, assignment: Assignment, amount: Decimal, reason: str, request_key: str) -> str:
        return paying.bonus(assignment, amount, reason, request_key)

    def balance(self, campaign: Campaign) -> Decimal:
        answer = client_of(campaign).call("get_account_balance")
        return Decimal(answer["AvailableBalance"])

    def ledger(
        self, campaign: Campaign, hits: Collection[int] | None = None
    ) -> Iterator[MarketPayment]:
        return fetching.ledger(campaign, hits)

    visit = staticmethod(visit)
    hand_in = staticmethod(hand_in)


CROWD = MTurk()
