"""Crowds: who answers, and how they are reached, recognised and paid.

A crowd is a folder here with an object `CROWD`, a `Crowd` (crowd.py). One whose people are reached
and paid through a marketplace's API has a `Marketplace` (marketplace.py) as well; the engine asks
for it, and does nothing where there is none. Nothing outside of this folder knows a crowd by name.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tasks.crowds.crowd import BadVisit, Crowd, Door, Frame, HandIn, Visit
from tasks.crowds.marketplace import CrowdError, MarketAssignment, MarketPayment, Marketplace

if TYPE_CHECKING:
    from tasks.models import Campaign

__all__ = [
    "CROWDS",
    "BadVisit",
    "Crowd",
    "CrowdError",
    "Door",
    "Frame",
    "HandIn",
    "MarketAssignment",
    "MarketPayment",
    "Marketplace",
    "Visit",
    "crowd_named",
    "crowd_of",
    "is_production",
    "listed_crowds",
    "marketplace_of",
]

CROWDS = ("local", "mturk")


def crowd_of(campaign: "Campaign") -> Crowd:
    """The crowd that a campaign is for."""
    return crowd_named(campaign.crowd)


def crowd_named(name: str) -> Crowd:
    """The crowd of that name. Raises LookupError, which lists the names."""
    if name not in CROWDS:
        raise LookupError(f"there is no crowd {name!r}; there are: {', '.join(CROWDS)}")
    return import_module(f"tasks.crowds.{name}").CROWD


def marketplace_of(campaign: "Campaign") -> Marketplace | None:
    """The marketplace that offers a campaign's work and pays for it; None where there is none."""
    return crowd_of(campaign).marketplace


def is_production(campaign: "Campaign") -> bool:
    """Whether the campaign spends real money; asks its marketplace, outside of any transaction."""
    return crowd_of(campaign).is_production(campaign)


def listed_crowds() -> list[str]:
    """The crowds whose open campaigns anybody may find at /tasks/, by name."""
    doors = {name: crowd_named(name).door for name in CROWDS}
    return [name for name, door in doors.items() if door is not None and door.listed]
