"""Campaigns to be filled by import."""

import pytest

from imagesets.models import Dataset
from tasks.models import Campaign
from tests.studies.judgment_files import make_campaign, make_dataset


@pytest.fixture
def dataset(db) -> Dataset:
    return make_dataset()


@pytest.fixture
def contains(dataset) -> Campaign:
    return make_campaign(dataset)


@pytest.fixture
def classify(dataset) -> Campaign:
    return make_campaign(dataset, "classify")
