"""The crowd of MTurk's workers, as the engine knows it (tasks/crowds/crowd.py)."""

from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from tasks.crowds import Crowd, Door, Frame, Marketplace
from tasks.crowds.mturk import frame as mturk_frame
from tasks.crowds.mturk import marketplace as mturk_marketplace
from tasks.crowds.mturk.client import SANDBOX, endpoint_of
from tasks.crowds.mturk.hit_types import obstacles
from tasks.crowds.rehearsals import is_rehearsal
from tasks.models import HIT, Campaign, PracticeHIT

CENT, STEP = Decimal("0.01"), Decimal("0.05")
FEE = Decimal("0.2")  # for HITs of at most 9 assignments, the only ones the site makes


class MTurk(Crowd):
    """Amazon Mechanical Turk, or whatever speaks its API at MTURK_ENDPOINT_URL."""

    name = "mturk"
    about = (
        "Workers of a marketplace with Mechanical Turk's API, at MTURK_ENDPOINT_URL. Amazon's own"
        " closed for good on September 30, 2026: try a study with `manage.py rehearse`."
    )
    accepts_at_once = False
    pays = True
    door: Door | None = None
    frame: Frame | None = mturk_frame
    marketplace: Marketplace | None = mturk_marketplace

    def time_allowed(self, campaign: Campaign, hit: HIT | PracticeHIT) -> timedelta:
        """The HIT type's AssignmentDuration (rule P5)."""
        return timedelta(minutes=campaign.assignment_minutes)

    def is_production(self, campaign: Campaign) -> bool:
        """Everywhere but in Amazon's own sandbox and at the site's rehearsal."""
        endpoint = endpoint_of(campaign)
        return endpoint != SANDBOX and not is_rehearsal(endpoint)

    def missing(self, campaign: Campaign) -> list[str]:
        """What keeps MTurk from taking the campaign."""
        return obstacles(campaign)

    def round_reward(self, amount: Decimal) -> Decimal:
        """To 5 cents, upwards: each reward is a HIT type of its own, and a few are enough."""
        return max(STEP, (amount / STEP).quantize(Decimal(1), ROUND_CEILING) * STEP)

    def fee(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        """20 %, at least a cent; MTurk's pricing page rounds half a cent up."""
        return max(CENT, (amount * FEE).quantize(CENT, ROUND_HALF_UP))


CROWD = MTurk()
