"""A small campaign in the database, and workers."""

from collections.abc import Callable

import pytest

from imagesets.models import Dataset
from tasks.campaigns.publish import publish
from tasks.models import Campaign, Worker
from tests.factories import make_dataset, make_workers


@pytest.fixture
def dataset(db) -> Dataset:
    return make_dataset()


@pytest.fixture
def campaign(dataset) -> Campaign:
    """An open CONTAINS campaign of several HITs, R = 9 in rounds of 3."""
    made = Campaign.objects.create(
        name="Contains", slug="contains", dataset=dataset, kind="contains", grid_size=12
    )
    publish(made, "a test")
    return made


@pytest.fixture
def workers(db) -> Callable[[int], list[Worker]]:
    """A function that makes this many workers of the local crowd."""
    return make_workers
