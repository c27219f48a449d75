"""Crowds: who answers, and how they are reached, paid and asked. Nothing else knows which it is.

A crowd is a folder with an object `CROWD` of the class below. The engine (tasks/market/) calls it
outside of any transaction, under one lock per campaign, and any call may be cut off in the middle
and made again, minutes or weeks later: each says what the state should be, not what to add.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from tasks.models import HIT, Assignment, Campaign

CROWDS = ("local", "mturk")


class CrowdError(Exception):
    """The marketplace cannot be reached or refuses; the message is one line for the researcher.

    What was done until then stays done, and the next sync goes on from there.
    """


@dataclass(frozen=True)
class MarketAssignment:
    """An assignment as the marketplace tells of it, whatever is known of it here.

    MTurk gives the id of a returned assignment to the next worker, so that key and worker together
    name it: one here of the same key and another worker was returned there, answered or not
    (tasks.work.take_up.take_up and sync free its place and give it another key).
    """

    key: str  # the marketplace's id: Assignment.key
    hit_id: int  # our HIT
    worker: str  # the marketplace's id of the worker
    status: Literal["submitted", "approved", "rejected", "returned", "expired"]
    accepted_at: datetime | None = None
    submitted_at: datetime | None = None
    answer: dict[str, Any] | None = None  # as `submit` takes it, if the form carried it
    feedback: str = ""


@dataclass(frozen=True)
class MarketPayment:
    """A payment in the marketplace's own list. `assignment` is its key; `reason` of a bonus."""

    kind: Literal["base", "bonus"]
    assignment: str
    amount: Decimal
    reason: str = ""
    market_ref: str = ""


class BadVisit(Exception):
    """An address that the marketplace does not make; the message is for the worker."""


@dataclass(frozen=True)
class Visit:
    """Somebody at a HIT's page in the marketplace's frame, as the page's address has it."""

    key: str  # the marketplace's id of the assignment; "": only looking, nothing accepted
    worker: str  # the marketplace's id of the worker
    fields: Mapping[str, str]  # what the page's own forms carry on, by name


@dataclass(frozen=True)
class HandIn:
    """The form by which a stored answer goes on to the marketplace."""

    action: str
    fields: Mapping[str, str]
    origins: list[str]  # where the browser may be led by it: the page's CSP


class Crowd(Protocol):
    """What differs between crowds. Money is US dollars, as Decimal."""

    name: str
    about: str
    """What a researcher should know before choosing it; a sentence or two."""
    accepts_at_once: bool
    """An answer is accepted when it is stored, not at the next sync once the marketplace has it."""
    gives_places: bool
    """The marketplace says who does which HIT (tasks.work.take_up.take_up), not the site."""
    pays: bool
    """Accepting pays through the marketplace; else the ledger says what is owed, and that is all.
    A campaign of a crowd that pays needs a budget, and in production its confirmation."""

    def time_allowed(self, campaign: "Campaign", hit: "HIT") -> timedelta:
        """How long an assignment stays a worker's own, without a sign of life."""

    def missing(self, campaign: "Campaign") -> list[str]:
        """What this crowd needs before the campaign can be published, as sentences; [] if all is
        there. Asks nothing of the marketplace."""

    def round_reward(self, amount: Decimal) -> Decimal:
        """The least reward, at least `amount`, that this crowd pays (rounded up)."""

    def fee(self, amount: Decimal) -> Decimal:
        """What the marketplace takes for a reward or a bonus of that amount."""

    def offer(self, campaign: "Campaign") -> None:
        """Put the free places of an open campaign before the crowd, and extend what has run out.

        A HIT should have as many places there, open or in work, as it has unanswered Place rows
        here. HITs that need none any more (no unanswered place) are taken out of sight.
        """

    def withdraw(self, campaign: "Campaign") -> None:
        """Offer no place any more (paused, finished, closed); work that runs may be finished."""

    def fetch(self, campaign: "Campaign") -> Iterator[MarketAssignment]:
        """Every assignment whose status there is not yet in Assignment.market_status here.

        May give more than that, and lazily: each is dealt with, in a transaction of its own, before
        the next is asked for. Raises CrowdError; a fetch that ends without has told of all.
        """

    def unknown(self, campaign: "Campaign") -> list[str]:
        """Ids of HITs that the marketplace holds for this campaign and that are not known here."""

    def places_available(self, campaign: "Campaign") -> int:
        """How many places a worker could still take up there; 0 opens the next round."""

    # The next three are called from several threads; they see no database. The assignment comes
    # with its campaign, HIT and worker. A CrowdError of one does not keep the others from being
    # told; all are tried again at the next sync.

    def approve(self, assignment: "Assignment") -> None:
        """Approve, and so pay, an assignment; one rejected before too. Done already: no error."""

    def reject(self, assignment: "Assignment", feedback: str) -> None:
        """Refuse to pay an assignment, telling the worker why. Done already: no error."""

    def bonus(
        self, assignment: "Assignment", amount: Decimal, reason: str, request_key: str
    ) -> str:
        """Pay a bonus once, and return the marketplace's name of the payment ("" if it has none).

        The engine calls again with the same key after an unclear answer: look first. No two bonuses
        of an assignment have the same reason. `request_key` has at most 64 characters.
        """

    def balance(self, campaign: "Campaign") -> Decimal | None:
        """What is left in the researcher's account; None where there is none."""

    def ledger(
        self, campaign: "Campaign", hits: Collection[int] | None = None
    ) -> Iterator[MarketPayment]:
        """The marketplace's own list of what was paid for these HITs (ids) of the campaign, or for
        all: what costs calls for each is asked of a part (tasks/market/sync.py)."""

    def visit(self, campaign: "Campaign", given: Mapping[str, str]) -> Visit:
        """Who comes to a HIT's page, where `gives_places`. Raises BadVisit."""

    def hand_in(self, assignment: "Assignment", visit: Visit) -> HandIn:
        """How the answer of an assignment goes on, where `gives_places`."""


def crowd_of(campaign: "Campaign") -> Crowd:
    """The crowd that a campaign is for."""
    return crowd_named(campaign.crowd)


def crowd_named(name: str) -> Crowd:
    """The crowd of that name. Raises LookupError naming those there are."""
    if name not in CROWDS:
        raise LookupError(f"there is no crowd {name!r}; there are: {', '.join(CROWDS)}")
    return import_module(f"tasks.crowds.{name}").CROWD
