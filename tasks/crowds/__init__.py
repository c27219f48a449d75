"""Crowds: who answers, and how they are reached, recognised and paid.

A crowd is a folder here with an object `CROWD`, a `Crowd` (crowd.py). One whose people are reached
and paid through a marketplace's API has a `Marketplace` or a `SessionMarket` (marketplace.py) as
well; the engine asks for it, and does nothing where there is none. Nothing outside of this folder
knows a crowd by name.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from django.db.models import Q
from django.http import HttpRequest

from tasks.crowds.crowd import (
    BadVisit,
    Crowd,
    Door,
    Farewell,
    Frame,
    HandIn,
    Note,
    Ready,
    SessionVisit,
    Visit,
    time_on_site,
)
from tasks.crowds.marketplace import (
    CrowdError,
    GoneHIT,
    MarketAssignment,
    MarketPayment,
    Marketplace,
    MarketSession,
    NotThere,
    SessionMarket,
    SessionPayment,
    Unavailable,
)

if TYPE_CHECKING:
    from tasks.models import Campaign, Worker

__all__ = [
    "CROWDS",
    "BadVisit",
    "Crowd",
    "CrowdError",
    "Door",
    "Farewell",
    "Frame",
    "GoneHIT",
    "HandIn",
    "MarketAssignment",
    "MarketPayment",
    "MarketSession",
    "Marketplace",
    "NotThere",
    "Note",
    "Ready",
    "SessionMarket",
    "SessionPayment",
    "SessionVisit",
    "Unavailable",
    "Visit",
    "crowd_named",
    "crowd_of",
    "is_production",
    "marketplace_of",
    "open_to",
    "time_on_site",
    "visitors",
]

CROWDS = ("local", "panel", "prolific", "mturk")


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


def open_to(request: HttpRequest) -> Q:
    """Which campaigns the visitor may find at /tasks/, of the crowds that have a door."""
    which = Q(pk=None)
    for name, door in _doors():
        which |= Q(crowd=name) & door.open_to(request)
    return which


def visitors(request: HttpRequest) -> "list[Worker]":
    """The workers who the visitor is known to be, at most one of each crowd. Raises BadVisit."""
    workers = [door.visitor(request) for _, door in _doors()]
    return [worker for worker in workers if worker is not None]


def _doors() -> list[tuple[str, Door]]:
    doors = [(name, crowd_named(name).door) for name in CROWDS]
    return [(name, door) for name, door in doors if door is not None]
