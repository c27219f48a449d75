"""A whole study of sessions at the stand-in, with faults and misbehaving people."""

from decimal import Decimal

import pytest
import stamina

from tasks.models import Campaign
from tasks.simulation.rehearsal.checks import lost_answers
from tasks.simulation.rehearsal.faults import Faults
from tasks.simulation.rehearsal.prolific.audit import audit_sessions
from tasks.simulation.rehearsal.prolific.market import Features
from tasks.simulation.rehearsal.prolific.people import SessionHabits
from tasks.simulation.rehearsal.prolific.stage import play_sessions, prolific_stage
from tests.factories import make_awkward_dataset
from tests.studies.practised import draft

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
        assert lost_answers(people.thanked) == []
        assert campaign.in_currency == "GBP"
    assert set(people.happened) & {"returns", "goes_away", "forgets", "comes_late"}


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed pay", "a return and a bonus"])
def test_whoever_fails_the_practice_is_screened_out_and_paid_for_it(fixed, tmp_path, live_server):
    practice = {"items": 4, "pass": 1, "tries": 1}  # the careless hardly pass it
    settings = {"crowd": "prolific", "session_minutes": 2, "budget": Decimal(100)}
    campaign = draft(tmp_path, practice=practice, **settings)
    features = Features(fixed_screen_out=fixed)
    with prolific_stage(currency="GBP", features=features) as on, on.site(live_server.url):
        on.server.trouble.faults = FAULTS
        people = on.crew(12, seed=1, habits=BAD, careless=11, pictures=False)
        play_sessions(on, campaign, people, seed=1)
        on.server.trouble.faults = Faults()
        assert audit_sessions(campaign, on.market) == []
        assert lost_answers(people.thanked) == []
        out = campaign.sessions.filter(outcome="screened_out").values_list("key", flat=True)
        statuses = {on.market.submissions[key].status for key in out}
    assert campaign.state == "finished"
    # Some return by themselves, or never come back: they are paid by a bonus.
    assert ("SCREENED OUT" in statuses) == fixed
    assert statuses <= {"SCREENED OUT", "RETURNED", "TIMED-OUT"}
