"""What the marketplace refused at the last sync is told until a sync goes through."""

from decimal import Decimal

import pytest
from django.urls import reverse

from tasks.celery_tasks import sync_campaign
from tasks.crowds import CrowdError
from tasks.market.troubles import KEPT, keep_troubles
from tasks.models import Campaign, Worker
from tasks.work.submitting import submit
from tasks.work.take_up import take_up
from tests.factories import make_user
from tests.studies.fair import Fair, open_for_business
from tests.studies.odd_pictures import make_pictures, open_campaign


@pytest.fixture
def fair(monkeypatch) -> Fair:
    return open_for_business(monkeypatch)


@pytest.fixture
def campaign(db, fair, tmp_path) -> Campaign:
    made = open_campaign(make_pictures(tmp_path, 6), "contains", crowd="fair", budget=Decimal(1000))
    made.hits.update(reward=Decimal("0.25"))
    return made


def told(campaign: Campaign, client, role: str = "researcher") -> tuple[str, str]:
    """The campaign's page and the home page, as somebody with that role reads them."""
    client.force_login(make_user(f"a {role} {Campaign.objects.count()}", role))
    pages = reverse("campaign-progress", args=[campaign.slug]), reverse("admin:index")
    page, home = (client.get(address).content.decode() for address in pages)
    return page, home


def test_an_endpoint_that_does_not_answer_is_told_and_forgotten(campaign, fair, client):
    fair.failing = True
    sync_campaign(campaign.pk)
    page, home = told(campaign, client)
    assert "the connection was dropped" in page
    assert "The last sync did not go through: the connection was dropped" in home
    fair.failing = False
    sync_campaign(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.troubles, campaign.troubled_at) == ([], None)


def test_a_payment_that_was_refused_is_told(campaign, fair, client, monkeypatch):
    sync_campaign(campaign.pk)
    hit = campaign.hits.first()
    work = fair.accept(hit.pk, "wendy")
    answer = take_up(hit, Worker.of("fair", "wendy"), work.key)
    submit(answer, {"selected": [], "maybe": [], "unseen": []})
    work.status = "submitted"

    def refuse(assignment) -> None:
        raise CrowdError("the account is empty")

    monkeypatch.setattr(fair, "approve", refuse)
    sync_campaign(campaign.pk)
    page, home = told(campaign, client)
    assert "Refused by the marketplace: the account is empty" in page
    assert "the account is empty" in home
    assert "the account is empty" not in told(campaign, client, "viewer")[1]


def test_a_flood_of_refusals_is_cut_short(campaign):
    keep_troubles(campaign, [f"refusal {number}" for number in range(KEPT + 3)])
    campaign.refresh_from_db()
    assert campaign.troubles[-2:] == [f"refusal {KEPT - 1}", "and 3 more"]
