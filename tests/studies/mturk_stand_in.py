"""A marketplace on this machine, and campaigns for it."""

from decimal import Decimal

import pytest

from tasks.crowds.mturk import marketplace
from tasks.models import Campaign
from tasks.simulation.rehearsal.market import Market
from tasks.simulation.rehearsal.server import serving
from tests.studies.odd_pictures import make_pictures, open_campaign


@pytest.fixture
def server(settings):
    """The stand-in, served; the site takes it for MTurk."""
    with serving(Market()) as running:
        settings.MTURK_ENDPOINT_URL = running.address
        settings.MTURK_SUBMIT_ORIGINS = ["https://www.mturk.com", running.address]
        settings.PUBLIC_URL = "https://second-look.example"
        yield running


@pytest.fixture
def market(server) -> Market:
    return server.market


@pytest.fixture
def open_for_mturk(db, tmp_path, server):
    """A function (kind, settings) -> open campaign, not yet offered on the marketplace."""

    def make(kind: str = "contains", **fields):
        images = fields.pop("images", 12)
        per_hit = fields.pop("per_hit", 6)
        dataset = make_pictures(tmp_path, images)
        defaults = {"workers_per_item": 3, "round_size": 3, "budget": Decimal(1000)}
        campaign = open_campaign(dataset, kind, per_hit, crowd="mturk", **(defaults | fields))
        campaign.hits.update(reward=Decimal("0.25"))
        return campaign

    return make


@pytest.fixture(params=["contains", "classify"])
def campaign(request, open_for_mturk) -> Campaign:
    """A campaign of each kind, its one HIT offered on the marketplace."""
    return _offered(open_for_mturk, request.param)


@pytest.fixture
def contains(open_for_mturk) -> Campaign:
    """A CONTAINS campaign, its one HIT offered on the marketplace."""
    return _offered(open_for_mturk, "contains")


def _offered(open_for_mturk, kind: str) -> Campaign:
    made = open_for_mturk(kind, per_hit=12, workers_per_item=3, round_size=3)
    marketplace.offer(made)
    return made
