"""A crowd with a marketplace in memory, by the rules of tasks/crowds: it keeps its own books.

It forgets nothing and pays once. While `failing`, each call takes effect and then fails, as with a
dropped connection. mypy holds it to the protocols (pyproject.toml).
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from types import ModuleType
from typing import Any, Literal

import pytest

from tasks import crowds
from tasks.crowds import (
    BadVisit,
    Crowd,
    CrowdError,
    Door,
    Frame,
    GoneHIT,
    HandIn,
    MarketAssignment,
    MarketPayment,
    Marketplace,
    Visit,
)
from tasks.models import HIT, Assignment, Campaign, Place, PracticeHIT

CENT = Decimal("0.01")
HANDED_IN = ("submitted", "approved", "rejected")


class Work:
    """The marketplace's own record of an assignment."""

    def __init__(self, key: str, hit: int, worker: str) -> None:
        self.key, self.hit, self.worker = key, hit, worker
        self.status: Literal["accepted", "submitted", "approved", "rejected", "returned"]
        self.status = "accepted"
        self.answer: dict[str, Any] | None = None


class Fair:
    """The marketplace."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}  # by HIT: how many assignments it may have in all
        self.shown: set[int] = set()
        self.deleted: set[int] = set()
        self.work: dict[str, Work] = {}
        self.payments: list[MarketPayment] = []
        self.failing = False

    # What workers see

    def live(self, hit: int) -> int:
        return sum(w.hit == hit and w.status != "returned" for w in self.work.values())

    def on_offer(self, worker: str) -> list[int]:
        hits_done = {
            w.hit for w in self.work.values() if w.worker == worker and w.status != "returned"
        }
        return [hit for hit in sorted(self.shown) if self.live(hit) < self.places[hit]
                and hit not in hits_done]  # fmt: skip

    def delete(self, hit: int) -> None:
        """Nobody can do the HIT any more, until it is offered anew."""
        self.deleted.add(hit)
        del self.places[hit]
        self.shown.discard(hit)

    def accept(self, hit: int, worker: str) -> Work:
        assert hit in self.on_offer(worker)
        work = Work(f"work-{len(self.work)}", hit, worker)
        self.work[work.key] = work
        return work

    # What the engine asks

    def offer(self, campaign: Campaign) -> None:
        for hit in campaign.hits.all():
            if hit.pk in self.deleted and hit.pk not in self.places:
                continue
            places = Place.objects.filter(hit=hit)
            answered = Assignment.objects.filter(hit=hit, market_state__in=HANDED_IN)
            lost = answered.filter(place=None).count()
            self.places[hit.pk] = max(self.places.get(hit.pk, 0), places.count() + lost)
            wanted = places.filter(free_at__isnull=False).exists()
            (self.shown.add if wanted else self.shown.discard)(hit.pk)
        self._fail()

    def withdraw(self, campaign: Campaign) -> None:
        self.shown.clear()
        self._fail()

    def fetch(self, campaign: Campaign) -> Iterator[MarketAssignment]:
        known = dict(
            Assignment.objects.filter(campaign=campaign).values_list("key", "market_state")
        )
        for work in self.work.values():
            if work.status == "accepted":
                continue
            if work.status in HANDED_IN and known.get(work.key) != work.status:
                yield MarketAssignment(
                    work.key, work.hit, work.worker, work.status, answer=work.answer
                )

    def unknown(self, campaign: Campaign) -> list[str]:
        return []

    def gone(self, campaign: Campaign) -> list[GoneHIT]:
        return [
            GoneHIT(hit, f"fair-{hit}", is_replaced=hit in self.places)
            for hit in campaign.hits.values_list("pk", flat=True)
            if hit in self.deleted
        ]

    def offer_anew(self, campaign: Campaign, hits: Collection[int]) -> None:
        for hit in hits:
            self.places[hit] = 0

    def places_available(self, campaign: Campaign) -> int:
        return sum(self.places[hit] - self.live(hit) for hit in self.shown)

    def approve(self, assignment: Assignment) -> None:
        work = self.work[assignment.key]
        assert work.status in HANDED_IN, work.status
        if work.status != "approved":
            work.status = "approved"
            reward = assignment.hit.reward
            self.payments.append(MarketPayment("base", work.key, reward))
        self._fail()

    def reject(self, assignment: Assignment, feedback: str) -> None:
        work = self.work[assignment.key]
        if work.status == "approved":
            raise CrowdError(f"{work.key} was approved")
        work.status = "rejected"
        self._fail()

    def bonus(self, assignment: Assignment, amount: Decimal, reason: str, request_key: str) -> str:
        paid = MarketPayment("bonus", assignment.key, amount, reason)
        if paid not in self.payments:
            self.payments.append(paid)
        self._fail()
        return f"bonus {len(self.payments)}"

    def balance(self, campaign: Campaign) -> Decimal:
        return Decimal(10_000)

    def ledger(
        self, campaign: Campaign, hits: Collection[int] | None = None
    ) -> Iterator[MarketPayment]:
        for payment in self.payments:
            if hits is None or self.work[payment.assignment].hit in hits:
                yield payment

    def _fail(self) -> None:
        if self.failing:
            raise CrowdError("the connection was dropped")


class FairFrame:
    """Its pages name the work and the worker; an answer goes on to one address."""

    def visit(self, campaign: Campaign, given: Mapping[str, str]) -> Visit:
        if not given.get("work"):
            return Visit("", "", {})
        if not given.get("worker"):
            raise BadVisit("Who are you?")
        return Visit(given["work"], given["worker"], dict(given), ["https://fair.example"])

    def hand_in(self, assignment: Assignment, visit: Visit) -> HandIn:
        return HandIn("https://fair.example/done", {"work": visit.key})


class FairCrowd(Crowd):
    """The people who come to it."""

    name = "fair"
    about = "A marketplace for tests."
    accepts_at_once = False
    pays = True
    door: Door | None = None

    def __init__(self, fair: Fair) -> None:
        self.marketplace: Marketplace | None = fair
        self.frame: Frame | None = FairFrame()

    def time_allowed(self, campaign: Campaign, hit: HIT | PracticeHIT) -> timedelta:
        return timedelta(minutes=campaign.assignment_minutes)

    def is_production(self, campaign: Campaign) -> bool:
        return not campaign.sandbox

    def missing(self, campaign: Campaign) -> list[str]:
        return []

    def round_reward(self, amount: Decimal) -> Decimal:
        return amount.quantize(CENT, ROUND_CEILING)

    def fee(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        return max(CENT, (amount / 5).quantize(CENT, ROUND_CEILING))


def open_for_business(monkeypatch: pytest.MonkeyPatch) -> Fair:
    """Let campaigns name the crowd `fair`, for one test. Returns its marketplace."""
    fair = Fair()
    module = ModuleType("tasks.crowds.fair")
    module.CROWD = FairCrowd(fair)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tasks.crowds.fair", module)
    monkeypatch.setattr(crowds, "CROWDS", (*crowds.CROWDS, "fair"))
    return fair
