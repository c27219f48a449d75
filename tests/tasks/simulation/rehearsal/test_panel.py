"""A whole study on the stand-in panel: people misbehave, and both sides agree in the end."""

from collections import Counter
from decimal import Decimal

import pytest

from tasks import money
from tasks.crowds import is_production
from tasks.models import Assignment, Payment, Session
from tasks.simulation.rehearsal.panel import panel_serving
from tasks.simulation.rehearsal.panel_people import Habits, play_panel
from tasks.simulation.simulate import simulate
from tests.factories import make_dataset
from tests.studies.panels import draft_panel, open_panel

pytestmark = pytest.mark.django_db(transaction=True)

BAD = Habits(
    refreshes=0.2,
    sends_twice=0.2,
    comes_back=0.3,
    leaves=0.15,
    steals=0.3,
    goes_on=0.5,
    returns_twice=0.3,
)


def test_a_study_comes_to_its_end_whatever_people_do(tmp_path, live_server):
    campaign = draft_panel(
        make_dataset(folder=tmp_path),
        workers_per_item=4,
        round_size=2,
        max_share_per_worker=Decimal("0.6"),
        budget=Decimal(20),
    )
    with panel_serving() as panel:
        bill = play_panel(panel, campaign, live_server.url, seed=1, habits=BAD)
        assert not is_production(campaign)
        assert panel.disagreements(campaign) == []
        assert panel.returned
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    answers = Assignment.objects.filter(campaign=campaign, outcome="accepted")
    assert set(Counter(answers.values_list("hit", flat=True)).values()) == {4}
    assert answers.values("hit", "worker").distinct().count() == answers.count()
    assert bill.total == money.spent(campaign) <= campaign.budget
    done = Session.objects.filter(outcome="done")
    assert Payment.objects.filter(kind="base").count() == done.count() > 4
    assert Payment.objects.filter(kind="bonus").exists()


def test_what_they_come_back_with_is_held_against_the_site(db):
    with panel_serving() as panel:
        campaign = draft_panel(make_dataset())
        session = panel.send("ada").rpartition("=")[2]
        assert panel.take_back("ada", session, "C0DONE")
        assert not panel.take_back("eve", session, "C0DONE")
        first, second = panel.disagreements(campaign)
    assert "eve came back" in first
    assert "is no_work, and its person came back with C0DONE" in second


def test_real_money_is_asked_for_unless_people_go_back_to_the_rehearsal(db):
    campaign = draft_panel(make_dataset())
    assert is_production(campaign)
    with panel_serving() as panel:
        campaign.panel = panel.setting()
        assert not is_production(campaign)
    assert is_production(campaign)


def test_simulate_works_on_a_panels_campaign(tmp_path, live_server):
    campaign = open_panel(make_dataset(folder=tmp_path), workers_per_item=2, round_size=2)
    outcome = simulate(live_server.url, campaign, workers=2, seed=1, careless=0)
    assert outcome.total == 2 * campaign.hits.count()
    assert (outcome.places_left, outcome.workers_needed) == (0, 0)
    assert campaign.state == "finished"
    assert {session.outcome for session in Session.objects.all()} == {"done"}


def test_it_says_how_many_more_people_are_needed(tmp_path, live_server):
    campaign = open_panel(
        make_dataset(folder=tmp_path), continue_for_bonus=False, max_share_per_worker=0
    )
    outcome = simulate(live_server.url, campaign, workers=1, seed=1, careless=0)
    left = 3 * campaign.hits.count() - 2
    assert (outcome.total, outcome.places_left) == (2, left)
    assert outcome.workers_needed == -(-left // 2)
