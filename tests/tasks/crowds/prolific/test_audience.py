"""How many of Prolific's participants pass a campaign's filters, said before it is published."""

from decimal import Decimal

import pytest

from tasks.campaigns.publish import publish
from tasks.crowds import CrowdError, crowd_of
from tasks.crowds.prolific.client import Client
from tasks.models import Campaign
from tasks.models.refused import Refused
from tests.factories import client_of, make_dataset, make_user
from tests.studies.prolific_stand_in import ATTEMPTS, draft_for_prolific

pytestmark = pytest.mark.django_db(transaction=True)
YOUNG_OR_OLD = {
    "filter_id": "or",
    "selected_filters": [
        {"filter_id": "age", "selected_range": {"upper": 30}},
        {"filter_id": "age", "selected_range": {"lower": 60}},
    ],
}
TOLD = "Whoever passes its filters may take part: age to 30, or age from 60."


@pytest.fixture
def campaign(prolific) -> Campaign:
    return draft_for_prolific(
        make_dataset(),
        slug="filtered",
        budget=Decimal(100),
        contact="Ada Lovelace, ada@lab.example",
        session_minutes=1,
        prolific={"filters": [YOUNG_OR_OLD]},
    )


def test_publishing_says_who_may_take_part_and_how_many_they_are(campaign, market):
    published = publish(campaign, "a test")
    assert f"{TOLD} At Prolific 1,813 participants do." in published.notes
    (study,) = market.studies.values()
    assert study.fields["filters"] == [YOUNG_OR_OLD]
    notes = {note.title: note.text for note in crowd_of(campaign).notes(campaign)}
    assert notes["Who may take part"] == "Whoever passes: age to 30, or age from 60."


def test_few_are_told_as_few(campaign):
    campaign.prolific["filters"].append({"filter_id": "age", "selected_range": {"lower": 71}})
    assert "fewer than 25 participants do" in crowd_of(campaign).audience(campaign)


def test_a_filter_that_prolific_does_not_know_lays_nothing_out(campaign, market):
    campaign.prolific = {"filters": [{"filter_id": "shoes", "selected_values": ["1"]}]}
    campaign.save()
    with pytest.raises(Refused, match="there is no filter shoes"):
        publish(campaign, "a test")
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert not campaign.hits.exists()
    assert not market.studies


@pytest.mark.parametrize("fault", ["failed", "page"])
def test_a_count_that_cannot_be_had_keeps_nothing_from_publishing(
    campaign, prolific, market, monkeypatch, fault
):
    compute = Client.compute

    def fails(self, path, body):
        if path == "/eligibility-count/":
            prolific.trouble.next = [fault] * ATTEMPTS
        return compute(self, path, body)

    monkeypatch.setattr(Client, "compute", fails)
    assert TOLD in publish(campaign, "a test").notes
    assert [study.status for study in market.studies.values()] == ["ACTIVE"]


def test_the_page_before_publishing_shows_it(campaign, client):
    researcher = client
    researcher.force_login(make_user("ada", "researcher"))
    page = researcher.get(f"/campaigns/{campaign.slug}/steps/publish/").content.decode()
    piece = f"/campaigns/{campaign.slug}/steps/audience/"
    assert f'hx-get="{piece}"' in page
    assert "1,813 participants" in researcher.get(piece).content.decode()
    campaign.prolific = {"filters": [{"filter_id": "shoes", "selected_values": ["1"]}]}
    campaign.save()
    assert "It cannot be published so" in researcher.get(piece).content.decode()
    campaign.refresh_from_db()
    assert campaign.currency is None  # looking changes nothing


def test_the_api_names_the_place_of_a_wrong_filter(campaign):
    researcher = client_of("staff", "researcher")
    wrong = {"filter_id": "or", "selected_filters": [{"filter_id": "age"}]}
    answer = researcher.patch(
        f"/api/campaigns/{campaign.slug}/",
        {"prolific": {"filters": [YOUNG_OR_OLD, wrong]}},
        content_type="application/json",
    )
    assert answer.status_code == 400
    (said,) = answer.json()["prolific"]["filters"]
    assert said.startswith("1.selected_filters.0: Give either")
    taken = researcher.patch(
        f"/api/campaigns/{campaign.slug}/",
        {"prolific": {"filters": [YOUNG_OR_OLD]}},
        content_type="application/json",
    )
    assert taken.json()["prolific"]["filters"] == [YOUNG_OR_OLD]


def test_audience_is_asked_of_nobody_without_filters(campaign, market):
    campaign.prolific = None
    assert crowd_of(campaign).audience(campaign) == ""
    assert not market.calls
    campaign.prolific = {"filters": [YOUNG_OR_OLD], "project": "f" * 24}
    with pytest.raises(CrowdError, match="project"):
        crowd_of(campaign).audience(campaign)
