"""Home tells what to look at in a draft before it is published."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from tasks.models import Campaign
from tests.factories import make_dataset, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    cache.clear()
    settings = {"kind": "contains", "name": "Cups", "slug": "cups", "open": "anyone"}
    return Campaign.objects.create(dataset=make_dataset(6, 3), **settings)


def home(client, role: str) -> str:
    client.force_login(make_user(f"a {role}", role))
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def test_a_finding_is_told_until_it_is_seen_to(draft, client):
    page = home(client, "researcher")
    assert "finding before publishing: Anyone may come to this campaign" in page
    assert reverse("campaign-step", args=["cups", "publish"]) in page
    assert "1 thing needs you" in page  # that it is a draft is said there too
    Campaign.objects.update(contact="ada@lab.example")
    assert "before publishing" not in home(client, "owner")


def test_only_those_who_may_change_it_are_told(draft, client):
    assert "before publishing" not in home(client, "viewer")


def test_large_drafts_are_left_to_their_own_page(draft, client, monkeypatch):
    monkeypatch.setattr("annotation.path.findings.MOST_IMAGES", 5)
    assert "before publishing" not in home(client, "researcher")
