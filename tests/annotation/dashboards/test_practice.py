"""The page of a campaign's practice: how many passed, and which items fail everybody."""

import pytest
from django.test import Client

from annotation.dashboards.practice import Passed, count_passed, items_of
from tasks.models import Campaign, PracticeItem, PracticeTry, Worker
from tasks.work.practice import next_try, submit_try
from tests.studies.practised import practising

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db) -> Campaign:
    return practising()


def do(campaign: Campaign, name: str, wrong: set[int]) -> PracticeTry:
    """A try of somebody who answers wrongly at these positions."""
    attempt = next_try(campaign, Worker.of("local", name))
    known = dict(attempt.hit.items.values_list("position", "present"))
    selected = [position for position in known if known[position] != (position in wrong)]
    assert submit_try(attempt, {"selected": selected, "maybe": [], "unseen": []}) == "stored"
    return attempt


def test_it_counts_people_and_finds_what_everybody_fails(campaign, admin_client):
    do(campaign, "ada", {1})
    do(campaign, "bob", {1, 2})
    do(campaign, "bob", set())
    do(campaign, "eve", {1, 2, 3})
    do(campaign, "eve", {1, 2, 3})
    do(campaign, "tom", {0, 1, 2})
    next_try(campaign, Worker.of("local", "new"))
    assert count_passed(campaign) == Passed(began=5, passed=2, at_once=1, failed=1)
    rows = items_of(campaign)
    doubted = PracticeItem.objects.get(hit__number=1, position=1)
    assert [row.image for row in rows if row.fails_everybody] == [doubted.image]
    assert (rows[0].image, rows[0].right, rows[0].seen) == (doubted.image, 0, 4)
    page = " ".join(
        admin_client.get(f"/campaigns/{campaign.slug}/practice/").content.decode().split()
    )
    assert "Everybody fails 1 item<" in page
    assert doubted.image.key in page
    assert doubted.image.public_id in page
    assert "2 under way" in page
    assert "/practice/" in admin_client.get(f"/campaigns/{campaign.slug}/").content.decode()


def test_a_budget_that_carries_no_try_is_said(campaign, admin_client):
    Campaign.objects.update(budget="0.01")
    page = admin_client.get(f"/campaigns/{campaign.slug}/practice/").content.decode()
    assert "nobody new can begin" in page


def test_a_campaign_without_one_says_so(campaign, admin_client):
    Campaign.objects.update(practice=None)
    page = admin_client.get(f"/campaigns/{campaign.slug}/practice/").content.decode()
    assert "This campaign has no practice." in page
    assert Client().get(f"/campaigns/{campaign.slug}/practice/").status_code == 302
