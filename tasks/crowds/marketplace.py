"""What the engine asks of a marketplace: offer work, fetch what was done, pay for it.

A `Marketplace` gives out the HITs by itself and pays for each; a `SessionMarket` sends people to
the site, which gives out the HITs, and pays for their sessions. tasks/market/ calls either outside
of any transaction, under one lock per campaign. Any call may be cut off in the middle and made
again, minutes or weeks later, so each says what the state should be, not what to add.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from tasks.models import Assignment, Campaign, Payment, Session


class CrowdError(Exception):
    """The marketplace cannot be reached or refuses; the message is one line for the researcher.

    What was done before stays done, and the next sync goes on from there.
    """


class Unavailable(CrowdError):
    """No call can succeed now, so whoever gets this tries no other: it is silent, or refuses us."""


class NotThere(CrowdError):
    """The marketplace no longer has what the call is about, so it cannot be carried out there."""


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
    # next sync tries all of them again. NotThere: the assignment is gone with its HIT.

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


@dataclass(frozen=True)
class MarketSession:
    """A session as the marketplace reports it, whatever the site knows of it."""

    key: str  # the marketplace's id: Session.key
    study: str
    worker: str  # the marketplace's id of the worker
    status: Literal[
        "active", "submitted", "approved", "rejected", "returned", "timed_out", "screened_out"
    ]
    code: str = ""  # what its worker entered; decides nothing, the site's own record does
    said: str = ""  # the outcome whose code that is: why a session was never begun on the site
    started_at: datetime | None = None
    completed_at: datetime | None = None
    return_requested: bool = False


@dataclass(frozen=True)
class SessionPayment:
    """A payment for a session in the marketplace's own books."""

    kind: Literal["base", "bonus", "screened_out"]
    session: str  # its key
    amount: Decimal  # without fee and VAT
    market_ref: str = ""


class SessionMarket(Protocol):
    """Where sessions are offered and paid. Every method may raise CrowdError.

    What `Marketplace` says of repeated calls holds here too. None is called inside a transaction.
    """

    def offer(self, campaign: "Campaign", places: int, most: int | None = None) -> None:
        """Let `places` more people begin, of those who are not in a session yet.

        Afterwards so many places are free there, as far as the marketplace lets their number
        change: it may be impossible to take any back. Never more than `most`, if that is given.
        """

    def withdraw(self, campaign: "Campaign") -> None:
        """Let nobody begin any more; whoever is in a session may finish it.

        The campaign's state says whether for a while (paused) or for good (finished, closed).
        """

    def places_available(self, campaign: "Campaign") -> int:
        """How many people could still begin there now."""

    def may_begin(self, campaign: "Campaign") -> int:
        """How many people may still begin by what it was last told, at most.

        Those count who have taken a place there and not begun. Asks nothing of the marketplace.
        """

    def fetch(self, campaign: "Campaign") -> Iterator[MarketSession]:
        """Every session whose status there differs from its Session.market_state.

        It may yield more than that, and lazily, over all studies of the campaign. A fetch that ends
        without CrowdError has reported all.
        """

    def unknown(self, campaign: "Campaign") -> list[str]:
        """What the marketplace holds and the site does not know; nobody touches it."""

    def approve(self, campaign: "Campaign", sessions: "Sequence[Session]") -> None:
        """Approve sessions, and so pay their base pay. Again: no error."""

    def may_reject(self, session: "Session", failed: int) -> bool:
        """Whether the marketplace's policy allows to reject a session for so many failed checks."""

    def reject(self, session: "Session", feedback: str, failed: int = 0) -> None:
        """Refuse to pay a session; its worker reads `feedback`. Again: no error.

        `failed`: for so many failed checks, if for these.
        """

    def screen_out(self, session: "Session", amount: Decimal) -> bool:
        """Let a session end as screened out and pay `amount` for it, once. Again: no error.

        False: the marketplace cannot, and nothing was done; the site then asks for a return and
        pays a bonus.
        """

    def request_return(self, session: "Session", reason: str) -> None:
        """Ask its worker to return a session, once: nothing is approved or rejected."""

    def pay_bonuses(
        self, campaign: "Campaign", payments: "Sequence[Payment]"
    ) -> "Iterator[tuple[Payment, str | None]]":
        """Pay bonuses, each once, and yield those that are paid with the marketplace's id of each.

        With None those that it refuses to pay although there is money for them; the error at the
        end says why, once the others are seen to.

        Called with all that are due, in the order of their ids, and after an unclear answer or a
        crash with the same again: so it writes down what it is about to pay before it does, and
        looks before it pays. `payment.session` and its worker come with them.
        """

    def balance(self, campaign: "Campaign") -> Decimal:
        """What is left in the researcher's account."""

    def ledger(self, campaign: "Campaign") -> Iterator[SessionPayment]:
        """The marketplace's own list of what it paid, over all studies of the campaign.

        One line for each base pay; all bonuses of a session may be one line.
        """
