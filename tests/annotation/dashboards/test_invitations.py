"""A local campaign's page shows its invitation links, makes some and revokes them in the row."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from tasks.crowds.local.invitations import make
from tasks.models import Campaign, Invitation
from tests.factories import make_user
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import begin, begun, says

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def campaign(db, tmp_path) -> Campaign:
    return open_campaign(make_pictures(tmp_path), "contains", open="invited")


def entered(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role, role))
    return client


def rows_of(page: str) -> list[str]:
    """The page's rows of links, their words."""
    section = page.partition('id="invitations"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.S)[1:]
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]


def test_links_are_made_shown_once_used_and_revoked_on_the_campaigns_page(campaign):
    page, client = f"/campaigns/{campaign.slug}/", entered("researcher")
    assert "so nobody can begin" in says(client.get(page))
    made = client.post(f"{page}invitations/", {"count": 2, "uses": 1, "expires": 7})
    assert "no-store" in made["Cache-Control"]
    links = re.findall(r"http://testserver(/tasks/\S+?invitation=[\w-]+)", made.content.decode())
    assert len(links) == 2
    begun(links[0], Client())
    shown = client.get(page).content.decode()
    assert not any(link.partition("=")[2] in shown for link in links)
    assert "2 links made: 1 open, 0 revoked. 1 person has begun with them." in " ".join(
        shown.split()
    )
    newest, used = rows_of(shown)
    assert re.match(r"\d+ open 0 of 1 20\d\d-\S+ \S+ UTC 20\S+, researcher Revoke", newest)
    assert re.match(r"\d+ used up 1 of 1", used)
    for invitation in Invitation.objects.all():
        revoked = client.post(f"{page}invitations/{invitation.pk}/revoke/")
        assert revoked["Location"] == f"{page}#invitations"
    assert "was withdrawn" in says(begin(links[1]))
    shown = client.get(page)
    assert [row.split()[1] for row in rows_of(shown.content.decode())] == ["revoked"] * 2
    assert "2 links made: 0 open, 2 revoked. 1 person has begun" in says(shown)
    assert "invitation" in says(client.get(f"{page}log/"))


def test_a_link_that_has_expired_is_not_counted_as_open(campaign):
    make(campaign, "a test", days=1)
    make(campaign, "a test", days=2)
    Invitation.objects.filter(pk=Invitation.objects.latest("pk").pk).update(expires_at=LONG_AGO)
    shown = entered("viewer").get(f"/campaigns/{campaign.slug}/")
    assert "2 links made: 1 open, 0 revoked. 0 people have begun" in says(shown)


def test_who_may_not_invite_sees_the_links_and_no_form(campaign):
    make(campaign, "a test")
    page = f"/campaigns/{campaign.slug}/"
    for role in ("viewer", "reviewer"):
        client = entered(role)
        shown = client.get(page).content.decode()
        assert len(rows_of(shown)) == 1
        assert not re.search("Make the links|Revoke", shown)
        assert client.post(f"{page}invitations/", {"count": 1, "uses": 1}).status_code == 403
        row = Invitation.objects.get().pk
        assert client.post(f"{page}invitations/{row}/revoke/").status_code == 403
    assert Invitation.objects.get().revoked_at is None


@pytest.mark.parametrize("changed", [{"count": 0}, {"count": 10_001}, {"uses": ""}, {"expires": 0}])
def test_numbers_out_of_bounds_make_no_link(campaign, changed):
    form = {"count": 1, "uses": 1, "expires": ""} | changed
    answer = entered("researcher").post(f"/campaigns/{campaign.slug}/invitations/", form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_campaign_that_nobody_can_come_to_has_no_form(campaign):
    page = f"/campaigns/{campaign.slug}/"
    make(campaign, "a test")
    Campaign.objects.update(state="closed")
    client = entered("researcher")
    assert "links open no new work" in says(client.get(page))
    refused = client.post(f"{page}invitations/", {"count": 1, "uses": 1})
    assert "nobody can work on it" in says(refused)
    Campaign.objects.update(crowd="mturk", state="open")
    assert 'id="invitations"' not in client.get(page).content.decode()
    other = open_campaign(campaign.dataset, "classify")
    row = Invitation.objects.get().pk
    wrong = client.post(f"/campaigns/{other.slug}/invitations/{row}/revoke/")
    assert wrong.status_code == 404
    assert Invitation.objects.get().revoked_at is None


def test_many_links_are_counted_and_the_newest_are_shown(campaign):
    make(campaign, "a test", 25)
    make(campaign, "a test", 1, 30)
    shown = entered("researcher").get(f"/campaigns/{campaign.slug}/").content.decode()
    assert len(rows_of(shown)) == 20
    assert "All 26 links" in shown
