"""The local crowd: people who were sent a link (students, colleagues, an in-house team)."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.models import HIT, Campaign

LEAST_TIME = timedelta(minutes=10)
TIMES_EXPECTED = 5


class Local:
    """Workers come to the site by themselves, so that there is nothing to offer or withdraw."""

    name = "local"
    accepts_at_once = True

    def time_allowed(self, campaign: "Campaign", hit: "HIT") -> timedelta:
        """Max(10 minutes, 5 x the HIT's expected time), at most `assignment_minutes`."""
        expected = timedelta(seconds=TIMES_EXPECTED * hit.expected_seconds)
        return min(max(LEAST_TIME, expected), timedelta(minutes=campaign.assignment_minutes))

    def offer(self, campaign: "Campaign") -> None:
        """The site gives out places as workers ask for them."""

    def withdraw(self, campaign: "Campaign") -> None:
        """The site gives out none while the campaign is not open."""


CROWD = Local()
