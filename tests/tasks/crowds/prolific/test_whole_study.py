"""A whole study of sessions at the stand-in, with faults and misbehaving people."""

from dataclasses import replace
from decimal import Decimal

import pytest
import stamina

from tasks import money
from tasks.campaigns.publish import publish
from tasks.models import Campaign
from tasks.simulation.rehearsal.checks import lost_answers
from tasks.simulation.rehearsal.faults import Faults
from tasks.simulation.rehearsal.prolific import stage
from tasks.simulation.rehearsal.prolific.audit import audit_sessions
from tasks.simulation.rehearsal.prolific.market import Features, ProlificMarket
from tasks.simulation.rehearsal.prolific.people import BEST, SessionHabits
from tasks.simulation.rehearsal.prolific.records import FREED, RUNNING, WAITING
from tasks.simulation.rehearsal.prolific.stage import play_sessions, prolific_stage
from tests.factories import make_awkward_dataset
from tests.studies.practised import draft
from tests.studies.prolific_stand_in import draft_for_prolific

pytestmark = pytest.mark.django_db(transaction=True)

BAD = SessionHabits(0.2, 0.2, 0.08, 0.06, 0.1, 0.08, 0.06, 0.1, 0.06, 0.2, 0.4, 0.06, 0.5)
# Whoever comes back hands in, and returns what they are asked to.
BACK = replace(BAD, goes_away=0, comes_late=0, forgets=0, ignores=0)
STUBBORN = replace(BEST, returns=0.1, goes_away=0.1, goes_on=0.5, stops=0.3, ignores=0.7)
FAULTS = Faults(
    throttled=0.02, failed=0.02, lost=0.01, dropped=0.03, unclear=0.02, page=0.01, slow=0.02
)


@pytest.fixture(autouse=True)
def no_waiting():
    """Faults by chance: no call is given up for them."""
    with stamina.set_testing(True, attempts=8):
        yield


@pytest.mark.parametrize(
    ("partial", "no_bonuses_for"), [("pay", ()), ("discard", ()), ("pay", FREED)]
)
def test_a_study_comes_to_its_end_whatever_happens(partial, no_bonuses_for, tmp_path, live_server):
    campaign = draft_for_prolific(
        make_awkward_dataset(tmp_path),
        workers_per_item=6,
        round_size=2,
        grid_size=4,
        max_sections=3,
        prolific={"partial": partial, "approve": "review"},
    )
    features = Features(no_bonuses_for=no_bonuses_for)
    with prolific_stage(currency="GBP", features=features) as on, on.site(live_server.url):
        on.server.trouble.faults = FAULTS
        people = on.crew(16, seed=1, habits=BAD, pictures=False)
        play_sessions(on, campaign, people, seed=1)
        assert campaign.state == "finished"
        on.server.trouble.faults = Faults()
        assert audit_sessions(campaign, on.market) == []
        assert lost_answers(people.thanked) == []
        assert campaign.in_currency == "GBP"
    assert set(people.happened) & {"returns", "goes_away", "forgets", "comes_late"}


def at_most(campaign: Campaign, market: ProlificMarket) -> Decimal:
    """What the study would cost if nobody returned anything, every place were taken, and Prolific
    approved all of it."""
    sessions = 0
    for study in market.studies.values():
        sessions += sum(s.status in (*RUNNING, WAITING) for s in study.submissions)
        sessions += study.places - study.taken if study.status == "ACTIVE" else 0
    due = campaign.payments.filter(state="due").values_list("amount", flat=True)
    paid = Decimal(sum(payment.total for payment in market.payments)) / 100
    return paid + sum(due) + sessions * money.price_of(campaign, campaign.session_reward)


@pytest.mark.parametrize("partial", ["pay", "discard"])
def test_no_cent_over_a_tight_budget_whoever_ignores_a_request(
    partial, tmp_path, live_server, monkeypatch
):
    campaign = draft_for_prolific(
        make_awkward_dataset(tmp_path),
        workers_per_item=4,
        round_size=4,
        grid_size=4,
        max_sections=3,
        session_minutes=2,
        max_share_per_worker=1,
        prolific={"partial": partial},
    )
    with prolific_stage(currency="GBP") as on, on.site(live_server.url):
        people = on.crew(12, seed=3, habits=STUBBORN, pictures=False)
        publish(campaign, "a test")
        budget = (money.cost_of(campaign, 4).total * Decimal("1.1")).quantize(Decimal("0.01"))
        Campaign.objects.update(budget=budget)
        real = stage._sync

        def checked(campaign):
            ended = campaign.sessions.exclude(outcome="")
            ended.update(kept_until="2020-01-01T00:00Z")  # half an hour passes between two syncs
            done = real(campaign)
            assert at_most(campaign, on.market) <= budget
            return done

        monkeypatch.setattr(stage, "_sync", checked)
        play_sessions(on, campaign, people, seed=3)
        assert campaign.state == "finished"
        errors = audit_sessions(campaign, on.market)
        short = ("HITs without", "places are without")  # for want of money
        assert [error for error in errors if not any(part in error for part in short)] == []
        submissions = on.market.submissions.values()
        kept = [s for s in submissions if s.return_requested and s.status == "APPROVED"]
        assert kept


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed pay", "a return and a bonus"])
def test_whoever_fails_the_practice_is_screened_out_and_paid_for_it(fixed, tmp_path, live_server):
    practice = {"items": 4, "pass": 1, "tries": 1}  # the careless hardly pass it
    settings = {"crowd": "prolific", "session_minutes": 2, "budget": Decimal(100)}
    campaign = draft(tmp_path, practice=practice, **settings)
    features = Features(fixed_screen_out=fixed)
    with prolific_stage(currency="GBP", features=features) as on, on.site(live_server.url):
        on.server.trouble.faults = FAULTS
        people = on.crew(12, seed=1, habits=BACK, careless=11, pictures=False)
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
