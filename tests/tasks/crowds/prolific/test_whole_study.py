"""A whole study of sessions at the stand-in, with faults and misbehaving people."""

from decimal import Decimal

import pytest
import stamina

from tasks.models import Campaign
from tasks.simulation.rehearsal.faults import Faults
from tasks.simulation.rehearsal.prolific.audit import audit_sessions
from tasks.simulation.rehearsal.prolific.people import SessionHabits
from tasks.simulation.rehearsal.prolific.stage import play_sessions, prolific_stage
from tests.factories import make_awkward_dataset

pytestmark = pytest.mark.django_db(transaction=True)

BAD = SessionHabits(0.2, 0.2, 0.08, 0.06, 0.1, 0.08, 0.06, 0.1, 0.06, 0.2, 0.4)
FAULTS = Faults(
    throttled=0.02, failed=0.02, lost=0.01, dropped=0.03, unclear=0.02, page=0.01, slow=0.02
)


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=8):
        yield


@pytest.mark.parametrize("partial", ["pay", "discard"])
def test_a_study_comes_to_its_end_whatever_happens(partial, tmp_path, live_server):
    campaign = Campaign.objects.create(
        name="Sessions",
        dataset=make_awkward_dataset(tmp_path),
        kind="contains",
        crowd="prolific",
        budget=Decimal(200),
        workers_per_item=9,
        round_size=3,
        grid_size=4,
        max_sections=3,
        session_minutes=3,
        prolific={"partial": partial, "approve": "review"},
    )
    with prolific_stage(currency="GBP") as on, on.site(live_server.url):
        on.server.trouble.faults = FAULTS
        people = on.crew(16, seed=1, habits=BAD, pictures=False)
        play_sessions(on, campaign, people, seed=1)
        assert campaign.state == "finished"
        on.server.trouble.faults = Faults()
        assert audit_sessions(campaign, on.market) == []
        assert campaign.in_currency == "GBP"
    assert set(people.happened) & {"returns", "goes_away", "forgets", "comes_late"}
