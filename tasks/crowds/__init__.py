"""Crowds: who answers, and how they are reached. Nothing else knows which crowd it is."""

from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tasks.models import HIT, Campaign

CROWDS = ("local",)


class Crowd(Protocol):
    """What differs between crowds."""

    name: str
    accepts_at_once: bool  # an answer is accepted when it is stored, not at the next sync

    def time_allowed(self, campaign: "Campaign", hit: "HIT") -> timedelta:
        """How long an assignment stays a worker's own, without a sign of life."""

    def offer(self, campaign: "Campaign") -> None:
        """Put the free places of the campaign before the crowd; to repeat it does no harm."""

    def withdraw(self, campaign: "Campaign") -> None:
        """Stop offering places; work that runs may be finished."""


def crowd_of(campaign: "Campaign") -> Crowd:
    """The crowd that a campaign is for."""
    if campaign.crowd not in CROWDS:
        raise LookupError(f"there is no crowd {campaign.crowd!r}; there are: {', '.join(CROWDS)}")
    return import_module(f"tasks.crowds.{campaign.crowd}").CROWD
