"""A crowd with a marketplace of sessions in memory, by the rules of tasks/crowds.

It pays once and forgets nothing. While `failing`, each call takes effect and then fails, as with a
dropped connection. mypy holds it to the protocols (pyproject.toml).
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from types import ModuleType
from typing import Any, Literal, cast

import pytest

from tasks import crowds
from tasks.crowds import (
    Crowd,
    CrowdError,
    Door,
    Frame,
    Marketplace,
    MarketSession,
    SessionMarket,
    SessionPayment,
)
from tasks.models import HIT, Campaign, Payment, PracticeHIT, Session, Worker

CENT = Decimal("0.01")
Status = Literal[
    "active", "submitted", "approved", "rejected", "returned", "timed_out", "screened_out"
]


class Stall:
    """The marketplace's own record of a session."""

    def __init__(self, key: str, worker: str) -> None:
        self.key, self.worker = key, worker
        self.status: Status = "active"
        self.asked_back = ""


class Bazaar:
    """The marketplace."""

    def __init__(self) -> None:
        self.places = 0  # people who may still begin
        self.stalls: dict[str, Stall] = {}
        self.paid: dict[tuple[str, str], Decimal] = {}  # by kind and what it is for
        self.bonuses: dict[str, tuple[str, Decimal]] = {}  # by request key
        self.pays_screened_out = False
        self.pays_no_bonus: tuple[str, ...] = ()  # statuses
        self.failing = False

    # What its people do

    def take(self, worker: str) -> str:
        """Somebody takes a place; the session's key."""
        assert self.places > 0
        self.places -= 1
        key = f"stall-{len(self.stalls)}"
        self.stalls[key] = Stall(key, worker)
        return key

    def approve_what_waits(self, campaign: Campaign) -> None:
        """What it does by itself after some weeks."""
        assert campaign.session_reward is not None
        for stall in self.stalls.values():
            if stall.status == "submitted":
                stall.status = "approved"
                self.paid["base", stall.key] = campaign.session_reward

    # What the engine asks

    def offer(self, campaign: Campaign, places: int, most: int | None = None) -> None:
        self.places = max(places - self._coming(campaign), 0)
        self._fail()

    def withdraw(self, campaign: Campaign) -> None:
        self.places = 0
        self._fail()

    def places_available(self, campaign: Campaign) -> int:
        return self.places

    def may_begin(self, campaign: Campaign) -> int:
        return self.places + self._coming(campaign)

    def _coming(self, campaign: Campaign) -> int:
        """How many have taken a place and not begun on the site."""
        begun = set(Session.objects.filter(campaign=campaign).values_list("key", flat=True))
        return len(self.stalls.keys() - begun)

    def fetch(self, campaign: Campaign) -> Iterator[MarketSession]:
        known = dict(Session.objects.filter(campaign=campaign).values_list("key", "market_state"))
        for stall in self.stalls.values():
            if known.get(stall.key) != stall.status:
                yield MarketSession(stall.key, "study", stall.worker, stall.status)

    def unknown(self, campaign: Campaign) -> list[str]:
        return []

    def approve(self, campaign: Campaign, sessions: Sequence[Session]) -> None:
        for session in sessions:
            stall = self.stalls[session.key]
            assert stall.status in ("submitted", "approved"), stall.status
            stall.status = "approved"
            self.paid["base", session.key] = session.reward
        self._fail()

    def may_reject(self, session: Session, failed: int) -> bool:
        return True

    def reject(self, session: Session, feedback: str, failed: int = 0) -> None:
        self.stalls[session.key].status = "rejected"
        self._fail()

    def screen_out(self, session: Session, amount: Decimal) -> bool:
        if self.pays_screened_out:
            self.stalls[session.key].status = "screened_out"
            self.paid["screened_out", session.key] = amount
            self._fail()
        return self.pays_screened_out

    def request_return(self, session: Session, reason: str) -> None:
        self.stalls[session.key].asked_back = reason
        self._fail()

    def pay_bonuses(
        self, campaign: Campaign, payments: Sequence[Payment]
    ) -> Iterator[tuple[Payment, str | None]]:
        for payment in payments:
            assert payment.session is not None
            if self.stalls[payment.session.key].status in self.pays_no_bonus:
                yield payment, None
                continue
            self.bonuses[payment.request_key] = payment.session.key, payment.amount
            self._fail()
            yield payment, f"bonus {payment.request_key}"

    def balance(self, campaign: Campaign) -> Decimal:
        return Decimal(10_000)

    def ledger(self, campaign: Campaign) -> Iterator[SessionPayment]:
        for (kind, key), amount in self.paid.items():
            yield SessionPayment(cast(Any, kind), key, amount)
        for key, amount in self.bonuses.values():
            yield SessionPayment("bonus", key, amount)

    def _fail(self) -> None:
        if self.failing:
            raise CrowdError("the connection was dropped")

    @property
    def spent(self) -> Decimal:
        """All that it paid, without fees."""
        bonuses = sum((amount for _, amount in self.bonuses.values()), Decimal(0))
        return sum(self.paid.values(), bonuses)


class BazaarDoor:
    """Everybody whom it sends is who they say."""

    def barred(self, campaign: Campaign, worker: Worker) -> str:
        return ""

    def vouches_for(self, campaign: Campaign, worker: Worker) -> bool:
        return True


class BazaarCrowd(Crowd):
    """The people who come from it: a fee of a third, and a tax of a fifth on that."""

    name = "bazaar"
    about = "A marketplace of sessions for tests."
    accepts_at_once = False
    pays = True
    pays_by_session = True
    frame: Frame | None = None
    marketplace: Marketplace | None = None

    def __init__(self, bazaar: Bazaar) -> None:
        self.session_market: SessionMarket | None = bazaar
        self.door: Door | None = cast(Door, BazaarDoor())
        self.parts = True

    def time_allowed(self, campaign: Campaign, hit: HIT | PracticeHIT) -> timedelta:
        return timedelta(minutes=10)

    def is_production(self, campaign: Campaign) -> bool:
        return not campaign.sandbox

    def missing(self, campaign: Campaign) -> list[str]:
        return []

    def round_reward(self, amount: Decimal) -> Decimal:
        return amount.quantize(CENT, ROUND_CEILING)

    def fee(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        return (amount / 3).quantize(CENT, ROUND_CEILING)

    def vat(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        return (self.fee(amount) / 5).quantize(CENT, ROUND_CEILING)

    def pays_parts(self, campaign: Campaign) -> bool:
        return self.parts


def open_bazaar(monkeypatch: pytest.MonkeyPatch) -> Bazaar:
    """Let campaigns name the crowd `bazaar`, for one test. Returns its marketplace."""
    bazaar = Bazaar()
    module = ModuleType("tasks.crowds.bazaar")
    module.CROWD = BazaarCrowd(bazaar)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tasks.crowds.bazaar", module)
    monkeypatch.setattr(crowds, "CROWDS", (*crowds.CROWDS, "bazaar"))
    return bazaar
