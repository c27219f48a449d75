"""What every marketplace of sessions must hold, whichever it is; the tests' own included.

A new one needs a `Side` below: what its people do, and its books.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Protocol

import pytest

from tasks.crowds import CROWDS, SessionMarket, SessionVisit, crowd_named
from tasks.market.sessions import take_in
from tasks.models import Campaign, Payment, Session, Worker
from tasks.money.costs import fix_session
from tasks.simulation.rehearsal.prolific.market import ProlificMarket
from tasks.simulation.rehearsal.prolific.server import serving_prolific
from tasks.work.beginning import begin
from tests.studies.bazaar import Bazaar, open_bazaar
from tests.studies.marketplace_sides import open_at
from tests.studies.odd_pictures import make_pictures
from tests.studies.prolific_stand_in import AT_ONCE, TOKEN

MARKETS = [name for name in CROWDS if crowd_named(name).session_market] + ["bazaar"]
LONG = (
    "Nothing was selected in any of the sets, although most of them show what was asked for. " * 2
)


class Side(Protocol):
    """A marketplace as its people see it, and its books."""

    def free(self) -> int:
        """How many people could begin now."""

    def take(self, worker: str) -> str:
        """Somebody takes a place; the session's key."""

    def hand_in(self, key: str) -> None: ...

    def give_back(self, key: str) -> None: ...

    def asked_back(self, key: str) -> bool: ...

    def paid(self) -> list[tuple[str, str, Decimal]]:
        """Kind (base, bonus), session, amount of all payments."""


class BazaarSide:
    def __init__(self, bazaar: Bazaar) -> None:
        self.bazaar = bazaar

    def free(self) -> int:
        return self.bazaar.places

    def take(self, worker: str) -> str:
        return self.bazaar.take(worker)

    def hand_in(self, key: str) -> None:
        self.bazaar.stalls[key].status = "submitted"

    def give_back(self, key: str) -> None:
        self.bazaar.stalls[key].status = "returned"

    def asked_back(self, key: str) -> bool:
        return bool(self.bazaar.stalls[key].asked_back)

    def paid(self) -> list[tuple[str, str, Decimal]]:
        bonuses = [("bonus", key, amount) for key, amount in self.bazaar.bonuses.values()]
        return [(kind, key, amount) for (kind, key), amount in self.bazaar.paid.items()] + bonuses


class ProlificSide:
    def __init__(self, market: ProlificMarket) -> None:
        self.market = market

    def free(self) -> int:
        return sum(study.places - study.taken for study in self.market.open_studies())

    def take(self, worker: str) -> str:
        return self.market.take(self.market.open_studies()[0], worker).id

    def hand_in(self, key: str) -> None:
        self.market.complete(self.market.submissions[key], "ANY")

    def give_back(self, key: str) -> None:
        self.market.give_back(self.market.submissions[key])

    def asked_back(self, key: str) -> bool:
        return self.market.submissions[key].return_requested is not None

    def paid(self) -> list[tuple[str, str, Decimal]]:
        kinds = {"reward": "base", "bonus": "bonus"}
        return [
            (kinds[p.kind], p.submission, Decimal(p.amount) / 100) for p in self.market.payments
        ]


@pytest.fixture
def sides(monkeypatch, settings) -> Iterator[dict[str, Side]]:
    bazaar = open_bazaar(monkeypatch)
    with serving_prolific(ProlificMarket(features=AT_ONCE), token=TOKEN) as server:
        settings.PROLIFIC_API_URL, settings.PROLIFIC_API_TOKEN = server.address, TOKEN
        settings.PUBLIC_URL = "https://second-look.example"
        yield {"bazaar": BazaarSide(bazaar), "prolific": ProlificSide(server.market)}
        assert not server.market.broken


@pytest.fixture(params=MARKETS)
def campaign(request, db, tmp_path, sides) -> Campaign:
    """Sessions of two HITs, offered by nobody yet."""
    pictures = make_pictures(tmp_path, 12)
    made = open_at(request.param, pictures, Decimal("0.25"), session_minutes=2)
    fix_session(made)
    return made


@pytest.fixture
def market(campaign) -> SessionMarket:
    return crowd_named(campaign.crowd).session_market


@pytest.fixture
def side(campaign, sides) -> Side:
    return sides[campaign.crowd]


def begun(campaign: Campaign, side: Side, number: int = 1) -> Session:
    """Somebody takes a place and begins their session on the site."""
    worker = Worker.of(campaign.crowd, f"{number:024x}")
    key = side.take(worker.external_id)
    (study,) = {
        report.study for report in crowd_named(campaign.crowd).session_market.fetch(campaign)
    }
    session = begin(campaign, worker, SessionVisit(key, worker.external_id, study))
    assert session is not None
    return session


def test_what_is_offered_twice_is_offered_once(campaign, market, side):
    for _ in range(2):
        market.offer(campaign, 3)
        assert side.free() == market.places_available(campaign) == 3
    market.offer(campaign, 5)
    assert side.free() == 5


def test_what_is_withdrawn_can_be_offered_again(campaign, market, side):
    market.offer(campaign, 3)
    campaign.state = "paused"
    for _ in range(2):
        market.withdraw(campaign)
        assert side.free() == market.places_available(campaign) == 0
    campaign.state = "open"
    market.offer(campaign, 3)
    assert side.free() == 3


def test_whoever_is_in_a_session_takes_no_place_of_those_to_come(campaign, market, side):
    market.offer(campaign, 2)
    begun(campaign, side)
    market.offer(campaign, 2)
    assert side.free() == 2


def test_a_place_that_was_given_back_is_offered_again(campaign, market, side):
    market.offer(campaign, 1)
    side.give_back(begun(campaign, side).key)
    market.offer(campaign, 1)
    assert side.free() == 1


def test_a_fetch_reports_a_session_and_what_becomes_of_it(campaign, market, side):
    market.offer(campaign, 2)
    session = begun(campaign, side)
    side.hand_in(session.key)
    (report,) = market.fetch(campaign)
    named = (report.key, report.worker, report.status)
    assert named == (session.key, session.worker.external_id, "submitted")
    take_in(campaign, market)
    session.refresh_from_db()
    assert session.market_state == "submitted"


def handed_in(campaign: Campaign, market: SessionMarket, side: Side) -> Session:
    market.offer(campaign, 2)
    session = begun(campaign, side)
    side.hand_in(session.key)
    return session


def test_what_is_approved_twice_is_paid_once(campaign, market, side):
    session = handed_in(campaign, market, side)
    for _ in range(2):
        market.approve(campaign, [session])
    assert side.paid() == [("base", session.key, session.reward)]
    assert [report.status for report in market.fetch(campaign)] == ["approved"]


def test_what_is_rejected_is_not_paid(campaign, market, side):
    session = handed_in(campaign, market, side)
    for _ in range(2):
        market.reject(session, LONG)
    assert side.paid() == []
    assert [report.status for report in market.fetch(campaign)] == ["rejected"]


def test_what_is_asked_back_is_neither_paid_nor_rejected(campaign, market, side):
    session = handed_in(campaign, market, side)
    for _ in range(2):
        market.request_return(session, "The work was not finished.")
    assert side.asked_back(session.key)
    assert side.paid() == []


def test_a_bonus_is_paid_once_and_the_ledger_lists_it(campaign, market, side):
    session = handed_in(campaign, market, side)
    market.approve(campaign, [session])
    due = [
        Payment.objects.create(
            campaign=campaign,
            session=session,
            kind="bonus",
            amount=Decimal("0.50"),
            reason=f"bonus {number}",
            request_key=f"bonus-{number}",
        )
        for number in range(2)
    ]
    paid = list(market.pay_bonuses(campaign, due))
    assert [payment for payment, _ in paid] == due
    Payment.objects.update(state="paid")
    assert Counter(side.paid()) == {
        ("base", session.key, session.reward): 1,
        ("bonus", session.key, Decimal("0.50")): 2,
    }
    listed: Counter[str] = Counter()
    for line in market.ledger(campaign):
        assert line.session == session.key
        listed[line.kind] += line.amount
    assert listed == {"base": session.reward, "bonus": Decimal("1.00")}


def test_it_knows_nothing_of_ours_that_we_do_not_know_and_has_money(campaign, market):
    market.offer(campaign, 2)
    assert market.unknown(campaign) == []
    assert market.balance(campaign) > 0
