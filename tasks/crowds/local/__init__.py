"""The local crowd: people who were sent a link (students, colleagues, an in-house team)."""

from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from tasks.crowds import Crowd, Door, Frame, Marketplace, time_on_site
from tasks.crowds.local import identity
from tasks.models import HIT, Campaign, PracticeHIT

CENT = Decimal("0.01")


class Local(Crowd):
    """Workers come to the site by themselves, so there is nothing to offer, fetch or pay.

    The ledger records what their work would cost at the campaign's wage, as owed.
    """

    name = identity.NAME
    about = (
        "People who were sent an invitation, or anyone; what they are owed is paid outside of the"
        " site."
    )
    accepts_at_once = True
    pays = False
    door: Door | None = identity
    frame: Frame | None = None
    marketplace: Marketplace | None = None

    def time_allowed(self, campaign: Campaign, hit: HIT | PracticeHIT) -> timedelta:
        """As on any site of work (rule P5)."""
        return time_on_site(campaign, hit)

    def is_production(self, campaign: Campaign) -> bool:
        """Never: the site pays nobody."""
        return False

    def missing(self, campaign: Campaign) -> list[str]:
        """Nothing: whoever has a link can come."""
        return []

    def round_reward(self, amount: Decimal) -> Decimal:
        """Whole cents, rounded up."""
        return amount.quantize(CENT, rounding=ROUND_CEILING)

    def fee(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        """Nothing: no marketplace stands in between."""
        return Decimal(0)


CROWD = Local()
