"""What every crowd and every marketplace must hold, whichever it is; the tests' own included.

A new crowd is tested as soon as its name stands in CROWDS; a new marketplace needs a `Side` below:
what its workers do, and its books.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from tasks.crowds import CROWDS, BadVisit, Crowd, crowd_named, open_to
from tasks.market.reconcile import reconcile_all
from tasks.market.sync import sync
from tasks.models import HIT, Assignment, Campaign, Worker
from tasks.models.assignment import USED
from tasks.simulation.rehearsal.market import Market
from tasks.simulation.rehearsal.server import Server, serving
from tasks.work.submitting import submit
from tasks.work.take_up import take_up
from tests.studies.fair import Fair, open_for_business
from tests.studies.odd_pictures import make_pictures, open_campaign

ALL = [*CROWDS, "fair"]
DOORS = [name for name in CROWDS if crowd_named(name).door]
MARKETPLACES = [name for name in CROWDS if crowd_named(name).marketplace] + ["fair"]
FRAMES = [name for name in CROWDS if crowd_named(name).frame] + ["fair"]
REWARD = Decimal("0.25")


@pytest.fixture(autouse=True)
def fair(monkeypatch) -> Fair:
    return open_for_business(monkeypatch)


# Every crowd


@pytest.fixture(params=ALL)
def crowd(request, fair) -> Crowd:
    return crowd_named(request.param)


def test_a_crowd_goes_by_the_name_of_its_folder(crowd, request):
    assert crowd.name == request.node.callspec.params["crowd"]
    assert crowd.about.endswith(".")


def test_workers_come_in_one_way_only(crowd):
    assert (crowd.door is None) != (crowd.frame is None)
    assert crowd.gives_places == (crowd.frame is not None)


def test_a_crowd_that_needs_a_marketplace_has_one(crowd):
    needs_one = crowd.gives_places or not crowd.accepts_at_once
    assert (crowd.marketplace or crowd.session_market) is not None or not needs_one
    assert crowd.pays or not (crowd.marketplace or crowd.session_market)
    assert crowd.session_market is None or crowd.pays_by_session
    assert not (crowd.gives_places and crowd.pays_by_session)


AMOUNTS = [Decimal(thousandths) / 1000 for thousandths in range(1, 3000, 7)]


def test_a_reward_is_rounded_up_to_whole_cents(crowd):
    rounded = [crowd.round_reward(amount) for amount in AMOUNTS]
    assert all(after >= before for before, after in zip(AMOUNTS, rounded, strict=True))
    assert rounded == sorted(rounded)
    assert all(reward == reward.quantize(Decimal("0.01")) for reward in rounded)
    assert [crowd.round_reward(reward) for reward in rounded] == rounded


def test_a_fee_is_never_negative_and_never_falls_with_the_amount(crowd):
    fees = [crowd.fee(amount) for amount in AMOUNTS]
    assert min(fees) >= 0
    assert fees == sorted(fees)
    assert all(fee == fee.quantize(Decimal("0.01")) for fee in fees)


@pytest.mark.parametrize("minutes", [1, 10, 60, 600])
@pytest.mark.parametrize("seconds", [1, 90, 100_000])
def test_work_is_kept_for_some_time_and_no_longer_than_the_campaign_says(crowd, minutes, seconds):
    campaign, hit = Campaign(assignment_minutes=minutes), HIT(expected_seconds=seconds)
    assert 0 < crowd.time_allowed(campaign, hit).total_seconds() <= 60 * minutes


def test_what_is_missing_is_said_without_asking_a_marketplace(crowd, settings):
    nobody = "http://127.0.0.1:9"
    settings.MTURK_ENDPOINT_URL = settings.PROLIFIC_API_URL = nobody
    settings.PROLIFIC_API_TOKEN = "a-token"
    settings.PUBLIC_URL = "https://second-look.example"
    assert crowd.missing(Campaign(crowd=crowd.name, qualifications=[])) == []


@pytest.mark.django_db
@pytest.mark.parametrize("open_for", ["anyone", "invited"])
def test_only_campaigns_that_let_strangers_in_are_listed_for_them(crowd, tmp_path, open_for):
    made = open_campaign(make_pictures(tmp_path), "contains", crowd=crowd.name, open=open_for)
    assert Campaign.objects.filter(open_to(_visit("/", None))).exists() == _lets_in(crowd, made)


def _lets_in(crowd: Crowd, campaign: Campaign) -> bool:
    """Whether a stranger who knows the campaign's address may begin."""
    try:
        return crowd.door is not None and crowd.door.worker_of(_visit("/", None), campaign) is None
    except BadVisit:
        return False


# Crowds whose HITs the site gives out


@pytest.fixture(params=DOORS)
def at_the_door(request, db, tmp_path) -> Campaign:
    return open_campaign(make_pictures(tmp_path, 6), "contains", crowd=request.param)


def who(campaign: Campaign, address: str, browser: HttpResponse | None = None) -> Worker | None:
    """The worker who comes by an address, in a new browser or one that has kept cookies."""
    try:
        return crowd_named(campaign.crowd).door.worker_of(_visit(address, browser), campaign)
    except BadVisit:
        return None


def _visit(address: str, browser: HttpResponse | None):
    request = RequestFactory().get(address)
    request.user = AnonymousUser()
    for name, morsel in (browser.cookies if browser is not None else {}).items():
        request.COOKIES[name] = morsel.value
    return request


def test_a_link_names_its_worker_however_often_it_is_opened(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    ada, bob = (who(at_the_door, door.link(at_the_door, name)) for name in ("ada", "bob"))
    assert (ada.external_id, bob.external_id) == ("ada", "bob")
    assert ada.crowd == at_the_door.crowd
    assert who(at_the_door, door.link(at_the_door, "ada")) == ada


def test_a_stranger_is_not_somebody_else(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    link = door.link(at_the_door, "ada")
    ada = who(at_the_door, link)
    plain = link.partition("?")[0]
    strangers = [who(at_the_door, address) for address in (plain, plain, link[:-1])]
    assert ada not in strangers
    known = [stranger for stranger in strangers if stranger is not None]
    assert len(known) == len(set(known))


def test_a_browser_that_is_remembered_is_the_same_worker_and_no_other(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    ada, bob = (who(at_the_door, door.link(at_the_door, name)) for name in ("ada", "bob"))
    browser = HttpResponse()
    door.remember(_visit("/", None), browser, ada)
    assert who(at_the_door, "/", browser) == ada
    assert door.may_be(_visit("/", browser), ada)
    assert not door.may_be(_visit("/", browser), bob)
    assert door.may_be(_visit("/", None), bob)  # no cookies at all: the token has to do
    known = [door.remembers(_visit("/", browser), worker) for worker in (ada, bob)]
    assert known == [True, False]
    assert not door.remembers(_visit("/", None), ada)


def test_a_personal_link_names_its_worker_and_is_carried_until_the_browser_does(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    name = "ada+lab & sons"
    ada = who(at_the_door, door.link(at_the_door, name))
    link = door.personal_link(at_the_door, name)
    assert who(at_the_door, link) == ada
    assert door.begins_as(_visit(link, None), at_the_door, "a visit") == name
    assert door.visitor(_visit(link, None)) == ada
    browser = HttpResponse()
    door.remember(_visit(link, None), browser, ada)
    assert door.carried(_visit(link, None), ada)
    assert not door.carried(_visit(link, browser), ada)
    assert not door.carried(_visit("/", None), ada)


def test_nobody_new_comes_while_the_campaign_is_not_open(at_the_door):
    at_the_door.state = "paused"
    assert who(at_the_door, "/") is None
    assert not Worker.objects.exists()


# Marketplaces


class Side(Protocol):
    """A marketplace as its workers see it, and its books."""

    def offered(self) -> dict[int, int]:
        """How many assignments of each HIT (our id) could be accepted now."""

    def accept(self, hit: HIT, worker: str) -> str:
        """A worker takes a HIT; the assignment's key."""

    def hand_in(self, key: str) -> None: ...

    def delete(self, hit: HIT) -> None:
        """The HIT is no longer there, by nobody's word here."""

    def parameters(self, key: str, worker: str) -> dict[str, str]:
        """What the address of the HIT's page carries."""

    def paid(self) -> list[tuple[str, str, Decimal]]:
        """Kind (base, bonus), key, amount of all payments."""


class FairSide:
    def __init__(self, fair: Fair) -> None:
        self.fair = fair

    def offered(self) -> dict[int, int]:
        free = {hit: self.fair.places[hit] - self.fair.live(hit) for hit in self.fair.shown}
        return {hit: number for hit, number in free.items() if number}

    def accept(self, hit: HIT, worker: str) -> str:
        return self.fair.accept(hit.pk, worker).key

    def hand_in(self, key: str) -> None:
        self.fair.work[key].status = "submitted"

    def delete(self, hit: HIT) -> None:
        self.fair.delete(hit.pk)

    def parameters(self, key: str, worker: str) -> dict[str, str]:
        return {"work": key, "worker": worker}

    def paid(self) -> list[tuple[str, str, Decimal]]:
        return [(line.kind, line.assignment, line.amount) for line in self.fair.payments]


class MTurkSide:
    def __init__(self, server: Server) -> None:
        self.market = server.market

    def offered(self) -> dict[int, int]:
        ids = dict(HIT.objects.values_list("public_id", "pk"))
        free: Counter[int] = Counter()
        for hit in self.market.open_hits():
            free[ids[self.market.public_id(hit)]] += hit.available(self.market.clock.now())
        return dict(free)

    def accept(self, hit: HIT, worker: str) -> str:
        offer = next(one for one in self.market.open_hits() if self._is_of(one, hit))
        return self.market.accept(offer, worker).id

    def _is_of(self, offer, hit: HIT) -> bool:
        return self.market.public_id(offer) == hit.public_id

    def hand_in(self, key: str) -> None:
        self.market.hand_in(key, [("answer", "")])

    def delete(self, hit: HIT) -> None:
        ids = [one.id for one in self.market.hits.values() if self._is_of(one, hit)]
        for name in ids:
            del self.market.hits[name]

    def parameters(self, key: str, worker: str) -> dict[str, str]:
        return {"assignmentId": key, "workerId": worker, "hitId": "3HIT"}

    def paid(self) -> list[tuple[str, str, Decimal]]:
        kinds = {"reward": "base", "bonus": "bonus"}
        return [(kinds[p.kind], p.assignment, p.amount) for p in self.market.payments]


@pytest.fixture
def sides(fair, settings) -> Iterator[dict[str, Side]]:
    with serving(Market()) as server:
        settings.MTURK_ENDPOINT_URL = server.address
        settings.PUBLIC_URL = "https://second-look.example"
        yield {"fair": FairSide(fair), "mturk": MTurkSide(server)}


@pytest.fixture(params=MARKETPLACES)
def campaign(request, db, tmp_path, sides) -> Campaign:
    """Two HITs, two places each so far, offered by nobody yet."""
    made = open_campaign(
        make_pictures(tmp_path, 6),
        "contains",
        per_hit=3,
        crowd=request.param,
        workers_per_item=4,
        round_size=2,
        budget=Decimal(1000),
        rejection=True,
    )
    made.hits.update(reward=REWARD)
    return made


@pytest.fixture
def market(campaign):
    return crowd_named(campaign.crowd).marketplace


@pytest.fixture
def side(campaign, sides) -> Side:
    return sides[campaign.crowd]


def fetched(campaign: Campaign, key: str) -> Assignment:
    """An assignment that was handed in, taken in as a sync does."""
    reconcile_all(campaign, crowd_named(campaign.crowd).marketplace.fetch(campaign))
    return Assignment.objects.select_related("campaign", "hit", "worker").get(key=key)


def test_what_is_offered_twice_is_offered_once(campaign, market, side):
    market.offer(campaign)
    assert side.offered() == dict.fromkeys(campaign.hits.values_list("pk", flat=True), 2)
    assert market.places_available(campaign) == 4
    market.offer(campaign)
    assert market.places_available(campaign) == sum(side.offered().values()) == 4


def test_what_is_withdrawn_can_be_offered_again(campaign, market, side):
    market.offer(campaign)
    before = side.offered()
    for _ in range(2):
        market.withdraw(campaign)
        assert not side.offered()
        assert market.places_available(campaign) == 0
    market.offer(campaign)
    assert side.offered() == before


def test_work_that_somebody_has_accepted_is_not_offered_again(campaign, market, side):
    market.offer(campaign)
    hit = campaign.hits.first()
    take_up(hit, Worker.of(campaign.crowd, "A1"), side.accept(hit, "A1"))
    market.offer(campaign)
    assert side.offered()[hit.pk] == 1
    assert market.places_available(campaign) == 3


def test_a_fetch_reports_each_piece_of_news_until_it_is_known(campaign, market, side):
    market.offer(campaign)
    hit = campaign.hits.first()
    key = side.accept(hit, "A1")
    assert not list(market.fetch(campaign))
    side.hand_in(key)
    for _ in range(2):
        (news,) = market.fetch(campaign)
        assert (news.key, news.hit_id, news.worker, news.status) == (key, hit.pk, "A1", "submitted")
    assignment = fetched(campaign, key)
    assert not list(market.fetch(campaign))
    market.approve(assignment)
    (news,) = market.fetch(campaign)
    assert (news.key, news.status) == (key, "approved")
    fetched(campaign, key)
    assert not list(market.fetch(campaign))


@pytest.mark.parametrize("also_approved", [False, True])
def test_a_fetch_tells_of_each_assignment_once_however_late_it_is_stored(
    campaign, market, side, also_approved
):
    market.offer(campaign)
    for hit in campaign.hits.all():
        for name in ("A1", "A2"):
            key = side.accept(hit, name)
            done = take_up(hit, Worker.of(campaign.crowd, name), key)
            submit(done, {"selected": [], "maybe": [], "unseen": []})
            side.hand_in(key)
            if also_approved:  # by hand, or since its time was over
                done.campaign = campaign
                market.approve(done)
    told = Counter(news.key for news in market.fetch(campaign))
    assert sorted(told.values()) == [1, 1, 1, 1]
    sync(campaign)
    assert Assignment.objects.filter(USED, market_state="approved").count() == 4


def handed_in(campaign: Campaign, market, side: Side) -> Assignment:
    market.offer(campaign)
    key = side.accept(campaign.hits.first(), "A1")
    side.hand_in(key)
    return fetched(campaign, key)


def test_what_is_approved_twice_is_paid_once(campaign, market, side):
    assignment = handed_in(campaign, market, side)
    for _ in range(2):
        market.approve(assignment)
    assert side.paid() == [("base", assignment.key, REWARD)]


def test_what_is_rejected_is_not_paid_but_may_be_approved_after_all(campaign, market, side):
    assignment = handed_in(campaign, market, side)
    for _ in range(2):
        market.reject(assignment, "Nothing was selected.")
    assert not side.paid()
    for _ in range(2):
        market.approve(assignment)
    assert side.paid() == [("base", assignment.key, REWARD)]


def test_a_bonus_of_the_same_key_is_paid_once(campaign, market, side):
    assignment = handed_in(campaign, market, side)
    for _ in range(2):
        market.bonus(assignment, Decimal("0.50"), "for taking care", "bonus-1")
    assert side.paid() == [("bonus", assignment.key, Decimal("0.50"))]
    market.bonus(assignment, Decimal("0.50"), "for a comment", "bonus-2")
    assert len(side.paid()) == 2


def test_the_ledger_lists_what_was_paid_for_the_hits_asked_for(campaign, market, side):
    assignment = handed_in(campaign, market, side)
    assert not list(market.ledger(campaign))
    market.approve(assignment)
    market.bonus(assignment, Decimal("0.50"), "for taking care", "bonus-1")
    lines = list(market.ledger(campaign))
    assert Counter((p.kind, p.assignment, p.amount) for p in lines) == Counter(side.paid())
    assert {p.reason for p in lines if p.kind == "bonus"} == {"for taking care"}
    assert len(list(market.ledger(campaign, [assignment.hit_id]))) == 2
    other = campaign.hits.exclude(pk=assignment.hit_id).get()
    assert not list(market.ledger(campaign, [other.pk]))


def test_it_knows_no_hit_of_ours_that_we_do_not_know_and_has_money(campaign, market):
    market.offer(campaign)
    assert market.unknown(campaign) == []
    assert market.balance(campaign) > 0


@pytest.mark.parametrize("campaign", FRAMES, indirect=True)
def test_a_hit_that_is_gone_is_told_and_holds_up_nothing_until_it_is_offered_anew(
    campaign, market, side
):
    assignment = handed_in(campaign, market, side)
    lost, other = assignment.hit, campaign.hits.exclude(pk=assignment.hit_id).get()
    side.delete(lost)
    assert not list(market.fetch(campaign))
    for step in (market.offer, market.withdraw, market.offer):
        step(campaign)
        ((hit, replaced),) = {(one.hit_id, one.is_replaced) for one in market.gone(campaign)}
        assert (hit, replaced) == (lost.pk, False)
        assert set(side.offered()) <= {other.pk}
    assert market.places_available(campaign) == 2
    market.offer_anew(campaign, [lost.pk])
    market.offer(campaign)
    assert side.offered() == {lost.pk: 2, other.pk: 2}  # what it had was no answer
    assert all(one.is_replaced for one in market.gone(campaign))


@pytest.mark.parametrize("campaign", FRAMES, indirect=True)
def test_the_frames_address_names_the_worker(campaign, market, side):
    frame = crowd_named(campaign.crowd).frame
    assert frame.visit(campaign, {}).key == ""
    visits = [frame.visit(campaign, side.parameters("3KEY", name)) for name in ("A1", "A1", "A2")]
    assert [(visit.key, visit.worker) for visit in visits] == [
        ("3KEY", "A1"),
        ("3KEY", "A1"),
        ("3KEY", "A2"),
    ]
    # What the page's own forms carry on says the same as the address.
    assert frame.visit(campaign, visits[0].fields) == visits[0]
    with pytest.raises(BadVisit):
        frame.visit(campaign, side.parameters("3KEY", ""))


@pytest.mark.parametrize("campaign", FRAMES, indirect=True)
def test_an_answer_goes_on_to_an_origin_that_the_page_may_lead_to(campaign, market, side):
    assignment = handed_in(campaign, market, side)
    frame = crowd_named(campaign.crowd).frame
    visit = frame.visit(campaign, side.parameters(assignment.key, "A1"))
    form = frame.hand_in(assignment, visit)
    address = urlsplit(form.action)
    assert f"{address.scheme}://{address.netloc}" in visit.origins
    assert assignment.key in form.fields.values()
