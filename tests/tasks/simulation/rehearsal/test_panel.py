"""A whole study on the stand-in panel: people misbehave, and both sides agree in the end."""

import csv
from decimal import Decimal

import pytest

from annotation.exports import Export
from tasks import money
from tasks.campaigns.publish import publish
from tasks.crowds import is_production
from tasks.models import Payment, Session
from tasks.simulation.rehearsal.checks import lost_answers
from tasks.simulation.rehearsal.panel import panel_serving
from tasks.simulation.rehearsal.panel_audit import audit_panel, pay_by_table
from tasks.simulation.rehearsal.panel_people import Habits, bill_of, crew_for, send_to
from tasks.simulation.simulate import simulate
from tasks.work.sessions import end
from tests.factories import make_dataset
from tests.studies.panels import Person, draft_panel, open_panel
from tests.studies.practised import draft

pytestmark = pytest.mark.django_db(transaction=True)

BAD = Habits(
    refreshes=0.2,
    sends_twice=0.2,
    comes_back=0.3,
    leaves=0.15,
    steals=0.3,
    goes_on=0.5,
    returns_twice=0.3,
    comes_late=0.2,
    wrong_code=0.1,
    no_code=0.1,
)


def test_a_study_comes_to_its_end_whatever_people_do(tmp_path, live_server):
    campaign = draft(
        tmp_path,
        crowd="panel",
        practice={"items": 4, "pass": 1, "tries": 2},  # the careless hardly pass it
        session_minutes=1,
        workers_per_item=4,
        round_size=2,
        max_share_per_worker=Decimal("0.6"),
        budget=Decimal(20),
    )
    with panel_serving() as panel:
        send_to(panel, campaign, live_server.url)
        assert not is_production(campaign)
        publish(campaign, "a test")
        people = crew_for(panel, campaign, live_server.url, seed=1, habits=BAD, careless=4)
        people.work()
        rows = pay_by_table(campaign, panel, lambda: table_of(campaign))
        assert audit_panel(campaign, panel, rows) == []
        assert lost_answers(people.thanked) == []
        assert panel.returned
    assert campaign.state == "finished"
    assert {"done", "screened_out"} <= {row["outcome"] for row in rows}
    kinds = set(Payment.objects.values_list("kind", flat=True))
    assert kinds == {"base", "bonus", "practice"}
    assert bill_of(campaign).total == money.spent(campaign) <= campaign.budget


def table_of(campaign) -> list[dict[str, str]]:
    """What the researcher uploads."""
    export = Export(campaign, "payments", "csv", raw_workers=True)
    return list(csv.DictReader(b"".join(export).decode().splitlines()))


def test_a_panel_that_paid_otherwise_is_found(db):
    with panel_serving() as panel:
        campaign = draft_panel(make_dataset(), panel.setting())
        publish(campaign, "a test")
        campaign.refresh_from_db()
        person = Person(campaign, "ada").work()
        panel.sent[person.session] = "ada"
        panel.take_back("ada", person.session, "C0OUT")
        end(person.record, "done", "a test")
        rows = pay_by_table(campaign, panel, lambda: table_of(campaign))
        panel.paid[person.session] = Decimal("0.24")
        said = "; ".join(audit_panel(campaign, panel, rows))
    assert "came back screened_out: done in the table" in said
    assert "by the table, 0.24 by the panel" in said
    assert "and its person came back with C0OUT" in said


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
