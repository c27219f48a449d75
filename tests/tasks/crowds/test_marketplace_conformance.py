"""What every marketplace must hold, whichever it is; the tests' own included.

A new one needs a `Side` in tests/studies/marketplace_sides.py: what its workers do, and its books.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from tasks.crowds import CROWDS, BadVisit, crowd_named
from tasks.market.reconcile import reconcile_all
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Worker
from tasks.models.assignment import USED
from tasks.simulation.rehearsal.market import Market
from tasks.simulation.rehearsal.server import serving
from tasks.work.submitting import submit
from tasks.work.take_up import take_up
from tests.studies.fair import Fair, open_for_business
from tests.studies.marketplace_sides import FairSide, MTurkSide, Side, open_at
from tests.studies.odd_pictures import make_pictures

MARKETPLACES = [name for name in CROWDS if crowd_named(name).marketplace] + ["fair"]
FRAMES = [name for name in CROWDS if crowd_named(name).frame] + ["fair"]
REWARD = Decimal("0.25")


@pytest.fixture(autouse=True)
def fair(monkeypatch) -> Fair:
    return open_for_business(monkeypatch)


@pytest.fixture
def sides(fair, settings) -> Iterator[dict[str, Side]]:
    with serving(Market()) as server:
        settings.MTURK_ENDPOINT_URL = server.address
        settings.PUBLIC_URL = "https://second-look.example"
        yield {"fair": FairSide(fair), "mturk": MTurkSide(server)}


@pytest.fixture(params=MARKETPLACES)
def campaign(request, db, tmp_path, sides) -> Campaign:
    """Two HITs, two places each so far, offered by nobody yet."""
    return open_at(request.param, make_pictures(tmp_path, 6), REWARD, round_size=2)


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
