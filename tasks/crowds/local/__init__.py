"""The local crowd: people who were sent a link (students, colleagues, an in-house team)."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from tasks.crowds import BadVisit, HandIn, MarketAssignment, MarketPayment, Visit

if TYPE_CHECKING:
    from tasks.models import HIT, Assignment, Campaign

LEAST_TIME = timedelta(minutes=10)
TIMES_EXPECTED = 5
CENT = Decimal("0.01")


class Local:
    """Workers come to the site by themselves, so that there is nothing to offer, fetch or pay.

    What their work would cost at the campaign's wage is in the ledger, as owed.
    """

    name = "local"
    about = (
        "People who were sent the campaign's link; what they are owed is paid outside of the site."
    )
    accepts_at_once = True
    gives_places = False
    pays = False

    def time_allowed(self, campaign: "Campaign", hit: "HIT") -> timedelta:
        """Max(10 minutes, 5 x the HIT's expected time), at most `assignment_minutes`."""
        expected = timedelta(seconds=TIMES_EXPECTED * hit.expected_seconds)
        return min(max(LEAST_TIME, expected), timedelta(minutes=campaign.assignment_minutes))

    def missing(self, campaign: "Campaign") -> list[str]:
        return []

    def round_reward(self, amount: Decimal) -> Decimal:
        """Whole cents."""
        return amount.quantize(CENT, rounding=ROUND_CEILING)

    def fee(self, amount: Decimal) -> Decimal:
        return Decimal(0)

    def offer(self, campaign: "Campaign") -> None:
        """The site gives out places as workers ask for them."""

    def withdraw(self, campaign: "Campaign") -> None:
        """The site gives out none while the campaign is not open."""

    def fetch(self, campaign: "Campaign") -> Iterator[MarketAssignment]:
        return iter(())

    def unknown(self, campaign: "Campaign") -> list[str]:
        return []

    def places_available(self, campaign: "Campaign") -> int:
        """A worker who finds no place that he may take opens the next round himself."""
        return 1

    def approve(self, assignment: "Assignment") -> None:
        """Nobody is paid through the site."""

    def reject(self, assignment: "Assignment", feedback: str) -> None:
        """The worker sees it on the site's pages alone."""

    def bonus(
        self, assignment: "Assignment", amount: Decimal, reason: str, request_key: str
    ) -> str:
        return ""

    def balance(self, campaign: "Campaign") -> Decimal | None:
        return None

    def ledger(
        self, campaign: "Campaign", hits: Collection[int] | None = None
    ) -> Iterator[MarketPayment]:
        return iter(())

    def visit(self, campaign: "Campaign", given: Mapping[str, str]) -> Visit:
        raise BadVisit("The work of this study is given out by this site alone.")

    def hand_in(self, assignment: "Assignment", visit: Visit) -> HandIn:
        raise BadVisit("The work of this study is handed in to this site alone.")


CROWD = Local()
