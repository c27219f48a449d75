"""What the engine asks of a marketplace: offer work, fetch what was done, pay for it.

tasks/market/ calls it outside of any transaction, under one lock per campaign. Any call may be cut
off in the middle and made again, minutes or weeks later, so each says what the state should be,
not what to add.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from tasks.models import Assignment, Campaign


class CrowdError(Exception):
    """The marketplace cannot be reached or refuses; the message is one line for the researcher.

    What was done before stays done, and the next sync goes on from there.
    """


class Unavailable(CrowdError):
    """No call can succeed now, so whoever gets this tries no other: it is silent, or refuses us."""


@dataclass(frozen=True)
class MarketAssignment:
    """An assignment as the marketplace reports it, whatever the site knows of it.

    A marketplace may give the id of a returned assignment to the next worker, so only key and
    worker together name it. If the site has an assignment of the same key and another worker, that
    worker has returned it, answered or not: `take_up` and sync free its place and give it another
    key.
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
    """A payment in the marketplace's own books."""

    kind: Literal["base", "bonus"]
    assignment: str  # its key
    amount: Decimal
    reason: str = ""  # of a bonus
    market_ref: str = ""


@dataclass(frozen=True)
class GoneHIT:
    """What the marketplace was given of a HIT and no longer has, so that nobody can do it there."""

    hit_id: int  # our HIT
    name: str  # the marketplace's
    is_replaced: bool  # `offer_anew` was called for it


class Marketplace(Protocol):
    """Where work is offered, handed in and paid. Every method may raise CrowdError."""

    def offer(self, campaign: "Campaign") -> None:
        """Offer the open campaign's free places, and renew offers that have run out.

        Afterwards the marketplace has as many places of each HIT, free or in work, as the HIT has
        unanswered Place rows. HITs with none are no longer shown.
        """

    def withdraw(self, campaign: "Campaign") -> None:
        """Offer nothing any more (paused, finished, closed); workers may finish what they have."""

    def fetch(self, campaign: "Campaign") -> Iterator[MarketAssignment]:
        """Every assignment whose status there differs from its Assignment.market_state.

        It may yield more than that, and lazily, but tells of each assignment once: the caller
        stores them some hundred at a time, so the site need not know yet what this fetch has
        told of. A fetch that ends without CrowdError has reported all.
        """

    def unknown(self, campaign: "Campaign") -> list[str]:
        """Ids of HITs that the marketplace has and the site does not know; nobody touches them."""

    def gone(self, campaign: "Campaign") -> Sequence[GoneHIT]:
        """What was found gone at the last fetch, offer or withdrawal; asks the database alone.

        No other method fails because of it: it offers, fetches and lists the rest.
        """

    def offer_anew(self, campaign: "Campaign", hits: Collection[int]) -> None:
        """Let the next offer make these HITs (ids) anew, in place of what is gone of them."""

    def places_available(self, campaign: "Campaign") -> int:
        """How many places a worker could still accept there; at 0 the next round may open."""

    # The next three are called from several threads and must not use the database. The assignment
    # comes with its campaign, HIT and worker. A CrowdError of one does not stop the others; the
    # next sync tries all of them again.

    def approve(self, assignment: "Assignment") -> None:
        """Approve an assignment, and so pay it, even one rejected before. Again: no error."""

    def reject(self, assignment: "Assignment", feedback: str) -> None:
        """Refuse to pay an assignment; the worker reads `feedback`. Again: no error."""

    def bonus(
        self, assignment: "Assignment", amount: Decimal, reason: str, request_key: str
    ) -> str:
        """Pay a bonus once. Returns the marketplace's id of the payment ("" if it has none).

        After an unclear answer the engine calls again with the same key, so look before paying.
        No two bonuses of an assignment have the same reason. `request_key`: at most 64 characters.
        """

    def balance(self, campaign: "Campaign") -> Decimal:
        """What is left in the researcher's account."""

    def ledger(
        self, campaign: "Campaign", hits: Collection[int] | None = None
    ) -> Iterator[MarketPayment]:
        """The marketplace's own list of what it paid for the campaign's HITs.

        `hits`: only these (ids), since each may cost a call (tasks/market/sync.py).
        """
