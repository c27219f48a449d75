"""A campaign's log: who changed what, settings with both values, roles for its owners alone."""

import pytest
from django.db import transaction
from django.test import Client

from annotation.models import Grant
from annotation.rights.granting import save_grant
from tasks.campaigns.changing import change
from tasks.models import Campaign, Transition
from tests.factories import make_user
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import says


@pytest.fixture
def campaign(db, tmp_path) -> Campaign:
    return open_campaign(make_pictures(tmp_path), "contains")


def entered(name: str, role: str, campaign: Campaign | None = None) -> Client:
    client = Client()
    client.force_login(make_user(name, role, campaign))
    return client


def test_a_changed_setting_stands_there_with_both_values(campaign):
    with transaction.atomic():
        change(Campaign.locked(campaign.pk), {"title": "A new <title>"}, "ada")
    reader = entered("reader", "viewer")
    both = "was <code>&quot;&quot;</code>, is <code>&quot;A new &lt;title&gt;&quot;</code>"
    page = reader.get(f"/campaigns/{campaign.slug}/log/").content.decode()
    assert both in page
    assert "setting title changed" in page
    assert "setting title changed" in says(reader.get(f"/campaigns/{campaign.slug}/"))


def test_a_long_log_is_read_page_by_page(campaign):
    Transition.objects.bulk_create(
        Transition(campaign=campaign, subject=f"thing {n:03}", after="done", who="ada")
        for n in range(120)
    )
    reader, address = entered("reader", "viewer"), f"/campaigns/{campaign.slug}/log/"
    seen: list[str] = []
    page = reader.get(address)
    while True:
        seen += [entry.what for entry in page.context["entries"]]
        if page.context["older"] is None:
            break
        page = reader.get(address, {"before": page.context["older"]})
    assert len(seen) == len(set(seen)) == campaign.transitions.filter(assignment=None).count()
    for odd in ("x", "-1", "9" * 40, "\0"):
        assert reader.get(address, {"before": odd}).status_code == 200


def test_roles_for_it_are_for_its_owners_to_read(campaign):
    save_grant(Grant(user=make_user("carla"), role="reviewer", campaign=campaign), "boss")
    address = f"/campaigns/{campaign.slug}/log/?of=rights"
    told = "carla became reviewer of campaign"
    assert told in says(entered("lead", "owner", campaign).get(address))
    other = entered("reader", "researcher").get(address)
    assert told not in says(other)
    assert "Roles for it" not in says(other)
