"""What every crowd says of itself: who comes and how, and what their work costs.

Workers reach a HIT in one of two ways. Where the site gives out the HITs, they come in by the
crowd's `Door`, which recognises them. Where the marketplace does, it shows the HIT's page in its
`Frame`, whose address names the worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from tasks.crowds.marketplace import Marketplace, SessionMarket

if TYPE_CHECKING:
    from tasks.models import HIT, Assignment, Campaign, PracticeHIT, Session, Worker

LEAST_TIME = timedelta(minutes=10)
TIMES_EXPECTED = 5


def time_on_site(campaign: "Campaign", hit: "HIT | PracticeHIT") -> timedelta:
    """How long a HIT is kept where the site gives it out: max(10 minutes, 5 x its expected time).

    At most `assignment_minutes` (rule P5).
    """
    expected = timedelta(seconds=TIMES_EXPECTED * hit.expected_seconds)
    return min(max(LEAST_TIME, expected), timedelta(minutes=campaign.assignment_minutes))


class BadVisit(Exception):
    """Nobody can be recognised by this address; the message is for the worker."""


@dataclass(frozen=True)
class Farewell:
    """What a crowd adds to the site's own words for whoever leaves a study."""

    text: str = ""  # a sentence
    address: str = ""  # where they go on from there; "": nowhere
    link: str = ""  # the words of the button that leads there
    code: str = ""  # to copy, where the button does not work


@dataclass(frozen=True)
class SessionVisit:
    """Which session somebody comes for, by the ids of whoever sent them."""

    key: str  # Session.key
    worker: str  # Worker.external_id
    study: str = ""
    is_test: bool = False


@dataclass(frozen=True)
class Note:
    """What a crowd tells researchers on a campaign's page."""

    title: str
    text: str = ""
    copied: str = ""  # an address or a code to copy; an address may be below the site's
    address: str = ""  # where a link leads


@dataclass(frozen=True)
class Ready:
    """Settings of a campaign as somebody whom many use needs them, and what is left to fill in."""

    title: str
    settings: Mapping[str, Any]
    advice: str = ""


class Door(Protocol):
    """How workers come in and are recognised where the site gives out the HITs."""

    def parameters(self, campaign: "Campaign") -> Sequence[str]:
        """What its links may carry, which "Begin" sends on."""

    def vouched(self, request: HttpRequest, campaign: "Campaign") -> Mapping[str, str]:
        """What the site has checked of who comes, signed, for the page's form to carry on."""
        return {}

    def link(self, campaign: "Campaign", external_id: str) -> str:
        """The address, below the site's, at which the worker of that id comes in."""

    def worker_of(self, request: HttpRequest, campaign: "Campaign") -> "Worker | None":
        """The worker that a request proves to be, making nobody; None: a stranger.

        Raises BadVisit where the campaign has no work for whoever comes, and says what to do.
        """

    def admit(self, request: HttpRequest, campaign: "Campaign") -> "Worker":
        """Who begins: the worker that the request proves to be, or a new one. Raises BadVisit.

        `visit`, a field of the form, is random text of the page: sent twice it makes one worker.
        """

    def begins_as(self, request: HttpRequest, campaign: "Campaign", visit: str) -> str:
        """The id of whoever presses "Begin" on a page with this `visit`; "": the page may not say.

        Raises BadVisit as `worker_of` does.
        """

    def personal_link(self, campaign: "Campaign", external_id: str) -> str:
        """The address, below the site's, by which that worker comes back on any device."""

    def proof(self, external_id: str) -> dict[str, str]:
        """What an address of the site carries to prove that this worker comes."""

    def remembers(self, request: HttpRequest, worker: "Worker") -> bool:
        """Whether the browser itself proves to be the worker's."""

    def carried(self, request: HttpRequest, worker: "Worker | None") -> dict[str, str]:
        """What addresses of the site carry on while the browser does not remember the worker."""

    def visitor(self, request: HttpRequest) -> "Worker | None":
        """The worker who looks at /tasks/, if they are known. Raises BadVisit."""

    def vouches_for(self, campaign: "Campaign", worker: "Worker") -> bool:
        """Whether nobody can make such an identity at will."""

    def barred(self, campaign: "Campaign", worker: "Worker") -> str:
        """Why the worker gets no further HIT, as a sentence, although they came in; "": they do."""

    def session(self, request: HttpRequest, campaign: "Campaign") -> SessionVisit | None:
        """The session that a request comes for, where work is paid by the session.

        None: it says nothing of one. Called where `worker_of` raised nothing.
        """

    def leaves(self, session: "Session") -> Farewell:
        """How the worker of a session that has ended goes back to where they came from.

        Its outcome says how it ended. It may be unsaved: whoever came when there was no work.
        """

    def open_to(self, request: HttpRequest) -> Q:
        """Which of the crowd's campaigns the visitor may find at /tasks/."""

    def may_be(self, request: HttpRequest, worker: "Worker") -> bool:
        """False where the browser is known to be another worker's."""

    def remember(self, request: HttpRequest, response: HttpResponse, worker: "Worker") -> None:
        """Let the browser come back as the same worker."""


@dataclass(frozen=True)
class Visit:
    """Somebody at a HIT's page in the marketplace's frame, according to the page's address."""

    key: str  # the marketplace's id of the assignment; "": a preview, nothing is accepted yet
    worker: str  # the marketplace's id of the worker
    fields: Mapping[str, str]  # what the page's own forms carry on, by name
    origins: Sequence[str] = ()  # where the answer's form may lead the browser: the page's CSP


@dataclass(frozen=True)
class HandIn:
    """The form by which a stored answer goes on to the marketplace."""

    action: str
    fields: Mapping[str, str]


class Frame(Protocol):
    """How workers come and hand in where the marketplace gives out the HITs."""

    def visit(self, campaign: "Campaign", given: Mapping[str, str]) -> Visit:
        """Who comes to a HIT's page, by the parameters of its address. Raises BadVisit."""

    def hand_in(self, assignment: "Assignment", visit: Visit) -> HandIn:
        """How the stored answer goes on to the marketplace. Raises BadVisit."""


class Crowd(Protocol):
    """What differs between crowds. Money is in the campaign's currency, as Decimal."""

    name: str
    about: str
    """What a researcher should know before choosing it; a sentence or two."""
    accepts_at_once: bool
    """An answer is accepted when it is stored, not by a sync once the marketplace has it."""
    pays: bool
    """Accepted work is paid for in money that leaves an account: a campaign needs a budget, and in
    production its confirmation. Else the ledger only records what is owed."""
    door: Door | None
    """Where the site gives out the HITs; None where the marketplace does, in its `frame`."""
    frame: Frame | None
    marketplace: Marketplace | None
    """Where its people are offered work and paid; None where the site reaches them by itself."""
    pays_by_session: bool = False
    """Its people are paid for a session of several HITs (rule S1), not for each."""
    session_market: SessionMarket | None = None
    """Where its people are offered sessions and paid for them."""
    needs: Sequence[str] = ()
    """Settings without which a campaign for it cannot be published."""
    ready: Mapping[str, Ready] = MappingProxyType({})
    """What a form can fill in at once, by name."""

    @property
    def gives_places(self) -> bool:
        """Whether the marketplace says who does which HIT (tasks/work/take_up.py), not the site."""
        return self.frame is not None

    def time_allowed(self, campaign: "Campaign", hit: "HIT | PracticeHIT") -> timedelta:
        """How long the site keeps work for its worker without a sign of life."""

    def devices(self, campaign: "Campaign") -> Sequence[str]:
        """The devices (desktop, tablet, mobile) that its people may use; none named: any."""
        return ()

    def is_production(self, campaign: "Campaign") -> bool:
        """Whether money leaves an account: yes, unless its marketplace is known to be a sandbox.

        May ask the marketplace, and answers yes where that fails.
        """

    def missing(self, campaign: "Campaign") -> list[str]:
        """Everything this crowd still needs before the campaign can be published, as sentences.

        Asks nothing of a marketplace.
        """

    def round_reward(self, amount: Decimal) -> Decimal:
        """The least reward, at least `amount`, that this crowd can pay."""

    def fee(self, amount: Decimal, campaign: "Campaign | None" = None) -> Decimal:
        """What the marketplace charges on top of a reward or a bonus of that amount, without VAT.

        By the terms of the campaign's account there, where they are known.
        """

    def vat(self, amount: Decimal, campaign: "Campaign | None" = None) -> Decimal:
        """The value added tax on that fee."""
        return Decimal(0)

    def pays_parts(self, campaign: "Campaign") -> bool:
        """Whether finished HITs of somebody who left their session are paid, and so used.

        Else they are set free.
        """
        return True

    def audience(self, campaign: "Campaign") -> str:
        """Who may take part there and how many they are, as a sentence; "": it says nothing.

        Asks the marketplace. Raises CrowdError if it cannot offer the campaign to such people.
        """
        return ""

    def tries_out(self) -> None:
        """Raises LookupError where the crowd has no test people; asks nothing of a marketplace."""
        raise LookupError(f"the crowd {self.name} has no test people: open the study's own address")

    def try_out(self, campaign: "Campaign", email: str) -> Sequence[str]:
        """Let somebody of that address try the open campaign as its people will; nobody else.

        Until `goes_live`, nothing is offered to anybody. Returns where they find it, in lines. May
        raise CrowdError. Called only where `tries_out` raises nothing.
        """
        return []

    def goes_live(self, campaign: "Campaign") -> None:
        """The researcher's word that it may be offered, after it was tried out."""
        return None

    def demographics(self, campaign: "Campaign") -> dict[str, Any] | None:
        """Who took part, as counts that single nobody out; None: nobody was asked.

        Asks nothing of a marketplace.
        """
        return None

    def notes(self, campaign: "Campaign") -> Sequence[Note]:
        """What researchers should see on a campaign's page: the address to give to a panel, say.

        Asks nothing of a marketplace.
        """
        return ()
