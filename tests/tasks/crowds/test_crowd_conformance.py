"""What every crowd must hold, whichever it is; the tests' own included.

A new crowd is tested as soon as its name stands in CROWDS.
"""

from decimal import Decimal

import pytest

from tasks.crowds import CROWDS, BadVisit, Crowd, crowd_named, open_to
from tasks.models import HIT, Campaign
from tests.studies.fair import Fair, open_for_business
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import visit

ALL = [*CROWDS, "fair"]


@pytest.fixture(autouse=True)
def fair(monkeypatch) -> Fair:
    return open_for_business(monkeypatch)


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
    assert Campaign.objects.filter(open_to(visit("/"))).exists() == _lets_in(crowd, made)


def _lets_in(crowd: Crowd, campaign: Campaign) -> bool:
    """Whether a stranger who knows the campaign's address may begin."""
    try:
        return crowd.door is not None and crowd.door.worker_of(visit("/"), campaign) is None
    except BadVisit:
        return False
