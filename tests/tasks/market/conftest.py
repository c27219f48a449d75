"""A marketplace of sessions in memory, and a campaign for it."""

from decimal import Decimal

import pytest

from tasks.models import Campaign
from tests.factories import make_campaign
from tests.studies.bazaar import Bazaar, open_bazaar
from tests.studies.bazaar_people import Person


@pytest.fixture
def bazaar(monkeypatch) -> Bazaar:
    return open_bazaar(monkeypatch)


@pytest.fixture
def campaign(dataset, bazaar) -> Campaign:
    """Sessions of two HITs, in rounds of two answers."""
    return make_campaign(
        dataset,
        crowd="bazaar",
        grid_size=12,
        workers_per_item=4,
        session_minutes=1,
        max_share_per_worker=1,
        budget=Decimal(100),
    )


@pytest.fixture
def ada(campaign, bazaar) -> Person:
    return Person(campaign, bazaar, "ada").begin()
