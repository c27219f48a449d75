"""A stand-in for Prolific on this machine, and what a study there may look like."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina

from imagesets.models import Dataset
from tasks.crowds import SessionVisit
from tasks.crowds.prolific.client import Client, client
from tasks.models import Campaign, Session, Worker
from tasks.money.costs import fix_session
from tasks.simulation.rehearsal.prolific.market import Features, ProlificMarket
from tasks.simulation.rehearsal.prolific.records import Submission
from tasks.simulation.rehearsal.prolific.server import serving_prolific
from tasks.work.beginning import begin
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.studies.odd_pictures import make_pictures, open_campaign

TOKEN = "a-token-of-the-tests"
AT_ONCE = Features(delay=timedelta())
ATTEMPTS = 4  # at a call, in a test
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


@pytest.fixture(autouse=True)
def no_waiting():
    """A call that goes wrong is made again at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


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


@pytest.fixture
def open_for_prolific(db, tmp_path, prolific):
    """A function (settings) -> open campaign of sessions of two HITs, not yet offered there."""

    def make(**fields) -> Campaign:
        per_hit = fields.pop("per_hit", 3)
        dataset = make_pictures(tmp_path, fields.pop("images", 12))
        defaults = {"workers_per_item": 3, "round_size": 3, "budget": Decimal(1000)}
        named = {"crowd": "prolific", "session_minutes": 2, **defaults, **fields}
        campaign = open_campaign(dataset, fields.pop("kind", "contains"), per_hit, **named)
        campaign.hits.update(reward=Decimal("0.25"))
        fix_session(campaign)
        return campaign

    return make


def draft_for_prolific(dataset: Dataset, **fields: Any) -> Campaign:
    """A draft of sessions for Prolific's people."""
    defaults = {"name": "Sessions", "workers_per_item": 3, "round_size": 3, "session_minutes": 3}
    defaults |= {"kind": "contains", "crowd": "prolific", "budget": Decimal(200)}
    return Campaign.objects.create(**{**defaults, **fields}, dataset=dataset)


def begun(campaign: Campaign, submission: Submission, answers: int = 0) -> Session:
    """The session of a submission, begun on the site, with so many HITs answered."""
    worker = Worker.of("prolific", submission.participant)
    session = begin(
        campaign, worker, SessionVisit(submission.id, submission.participant, submission.study.id)
    )
    assert session is not None
    for _ in range(answers):
        submit(next_assignment(campaign, worker), {"selected": []})
    session.refresh_from_db()
    return session
