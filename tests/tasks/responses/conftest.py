"""Campaigns to be filled by import."""

import pytest

from imagesets.models import Dataset
from tasks.models import Campaign
from tests.factories import make_lettered_dataset
from tests.studies.judgment_files import make_draft


@pytest.fixture
def dataset(db) -> Dataset:
    return make_lettered_dataset()


@pytest.fixture
def contains(dataset) -> Campaign:
    return make_draft(dataset)


@pytest.fixture
def classify(dataset) -> Campaign:
    return make_draft(dataset, "classify")
