"""Where sessions took longer than planned, one action owes everybody the difference, once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from tasks.models import Campaign, Session, Worker
from tasks.models.refused import Refused
from tasks.money.hourly import owe_difference, shortfall
from tasks.money.ledger import owe_session
from tests.factories import make_dataset
from tests.studies.panels import open_panel


@pytest.fixture
def campaign(db) -> Campaign:
    """Six sessions of ten minutes, at 2.50, done in ten minutes each."""
    campaign = open_panel(make_dataset())
    now = campaign.created_at
    for number in range(6):
        session = Session.objects.create(
            campaign=campaign,
            worker=Worker.of("panel", f"p{number}"),
            hits=2,
            planned_seconds=600,
            reward=Decimal("2.50"),
            began_at=now,
            kept_until=now,
            outcome="done",
            ended_at=now + timedelta(minutes=10),
            settled_at=now,
        )
        owe_session(session)
    return campaign


def longer(campaign: Campaign, minutes: int) -> None:
    campaign.sessions.update(ended_at=F("began_at") + timedelta(minutes=minutes))


def test_as_long_as_planned_owes_nothing(campaign):
    assert shortfall(campaign) is None
    assert owe_difference(campaign) is None
    longer(campaign, 5)
    assert shortfall(campaign) is None


def test_everybody_is_owed_the_difference_once(campaign):
    longer(campaign, 12)
    short = shortfall(campaign)
    assert (short.median_minutes, short.hourly) == (12, Decimal("12.50"))
    for _ in range(2):
        owe_difference(campaign)
    bonuses = campaign.payments.filter(kind="bonus").values_list("amount", flat=True)
    assert list(bonuses) == [Decimal("0.50")] * 6
    assert shortfall(campaign) is None


def test_what_gets_longer_still_owes_the_rest(campaign):
    longer(campaign, 12)
    owe_difference(campaign)
    longer(campaign, 14)
    assert {amount for _, amount in shortfall(campaign).owed} == {Decimal("0.50")}
    owe_difference(campaign)
    total = sum(p.amount for p in campaign.payments.filter(kind="bonus"))
    assert total == 6 * Decimal("1.00")


def test_tests_and_sessions_that_were_left_do_not_count(campaign):
    longer(campaign, 12)
    campaign.sessions.filter(worker__external_id="p0").update(is_test=True)
    assert len(shortfall(campaign).owed) == 5
    campaign.sessions.filter(worker__external_id="p1").update(outcome="left")
    assert shortfall(campaign) is None  # four say nothing


def test_the_budget_holds(campaign):
    longer(campaign, 30)
    Campaign.objects.update(budget=Decimal("20.00"))
    with pytest.raises(Refused, match="more than the budget holds"):
        owe_difference(campaign)
    assert not campaign.payments.filter(kind="bonus").exists()


def test_the_campaigns_page_says_so_and_leads_to_the_step(campaign, admin_client):
    client = admin_client
    address = f"/campaigns/{campaign.slug}/"
    assert "longer than planned" not in client.get(address).content.decode()
    longer(campaign, 12)
    html = client.get(address).content.decode()
    assert "The median session took 12.0 minutes, not the 10.0 planned" in html
    step = f"/admin/tasks/campaign/{campaign.pk}/difference"
    assert step in html
    asked = client.get(step, follow=True)
    assert "6 people get a bonus, $3.00 in all" in asked.content.decode()
    client.post(asked.redirect_chain[-1][0] if asked.redirect_chain else step, {"sure": "1"})
    assert campaign.payments.filter(kind="bonus").count() == 6
