"""A stand-in for Prolific on this machine, and what a study there may look like."""

from datetime import timedelta

import pytest

from tasks.crowds.prolific.client import Client, client
from tasks.simulation.rehearsal.prolific.market import Features, ProlificMarket
from tasks.simulation.rehearsal.prolific.server import serving_prolific

TOKEN = "a-token-of-the-tests"
AT_ONCE = Features(delay=timedelta())
STUDY = {
    "name": "Find what is in pictures",
    "internal_name": "second-look pictures 1",
    "description": "Look at photographs.",
    "external_study_url": "https://second-look.example/tasks/abc/?PROLIFIC_PID={{%PROLIFIC_PID%}}"
    "&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
    "prolific_id_option": "url_parameters",
    "total_available_places": 2,
    "estimated_completion_time": 10,
    "reward": 250,
    "completion_codes": [
        {"code": "DONE1", "code_type": "COMPLETED", "actions": [{"action": "MANUALLY_REVIEW"}]}
    ],
}


@pytest.fixture
def prolific(settings):
    """The stand-in, served; the site takes it for Prolific."""
    with serving_prolific(ProlificMarket(features=AT_ONCE), token=TOKEN) as running:
        settings.PROLIFIC_API_URL = running.address
        settings.PROLIFIC_API_TOKEN = TOKEN
        settings.PUBLIC_URL = "https://second-look.example"
        yield running
        assert not running.market.broken


@pytest.fixture
def market(prolific) -> ProlificMarket:
    return prolific.market


@pytest.fixture
def api(prolific) -> Client:
    return client()


def published(market: ProlificMarket, api: Client, **fields):
    """A study of the stand-in, open to participants."""
    made = api.send("POST", "/studies/", {**STUDY, **fields})
    api.send("POST", f"/studies/{made['id']}/transition/", {"action": "PUBLISH"})
    return market.studies[made["id"]]
