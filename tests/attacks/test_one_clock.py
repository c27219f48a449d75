"""The site's own clock may be hours off: what is compared with a stored time is the database's."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.dashboards.progress import count_progress
from annotation.path.standing import standing_of
from imagesets.clock import database_now
from tasks.crowds.local.identity import link
from tasks.crowds.mturk import marketplace
from tasks.market.sync import sync
from tasks.models import Assignment, Place
from tasks.simulation.worksheet import begin_form, worksheet
from tasks.work.rounds import waiting_places
from tasks.work.states import round_states
from tests.studies.framed import Frame, first, hand_in
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign

pytestmark = pytest.mark.django_db(transaction=True)
HOURS = pytest.mark.parametrize("hours", [-2, 2])


@pytest.fixture
def wrong_clock(monkeypatch, hours):
    """The clock of every process of the site, hours behind or ahead of the database's."""
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(hours=hours))


def begin(campaign, name: str) -> tuple[Client, str]:
    """Somebody with an invitation presses "Begin": their browser, and where it leads them."""
    client = Client()
    form = begin_form(client.get(link(campaign, name)).content.decode())
    return client, client.post(form.action, dict(form.hidden))["Location"]


@HOURS
def test_40_workers_get_no_more_work_than_there_are_places(tmp_path, wrong_clock):
    campaign = open_campaign(make_pictures(tmp_path), "contains", workers_per_item=9, round_size=9)
    visits = [begin(campaign, f"worker {number}") for number in range(40)]
    at_work = [(client, address) for client, address in visits if "/hit/" in address]
    assert len(at_work) == Place.objects.filter(holder__isnull=False).count() == 18
    assert round_states(campaign) == {1: "being worked on"}
    assert count_progress(campaign).rounds[0].running == 18
    assert waiting_places(campaign) == 0
    sync(campaign)  # and nobody's time is over
    assert Assignment.objects.filter(state="open").count() == 18
    for client, address in at_work:
        page = client.get(address).content.decode()
        until = datetime.fromisoformat(re.search('<time datetime="([^"]+)"', page)[1])
        assert timedelta(minutes=5) < until - database_now() <= timedelta(minutes=10)
        form: dict[str, list[str]] = {}
        for name, value in fields_of(worksheet(page)):
            form.setdefault(name, []).append(value)
        assert client.post(address, form).status_code == 303
    now = database_now()
    for done in Assignment.objects.filter(state="submitted"):
        assert now - timedelta(minutes=5) < done.opened_at <= done.submitted_at <= now
        assert 0 <= done.wall_seconds < 300
    (standing,) = standing_of([campaign])
    assert standing.pace.lately >= 18


@HOURS
def test_what_is_given_back_is_free_and_what_is_renewed_is_not(tmp_path, wrong_clock):
    campaign = open_campaign(make_pictures(tmp_path), "contains", 12, workers_per_item=1)
    client, address = begin(campaign, "ada")
    sheet = worksheet(client.get(address).content.decode())
    option = sheet.questions[0].options[0]
    client.post(address, dict([*sheet.hidden, (option.name, option.value)]))  # not a whole answer
    place, running = Place.objects.get(), Assignment.objects.get()
    assert database_now() < place.free_at == running.expires_at
    assert running.expires_at <= database_now() + timedelta(minutes=10)
    assert "/hit/" not in begin(campaign, "bob")[1]
    client.post(address, dict([*sheet.hidden, ("return", "1"), ("sure", "1")]))
    assert "/hit/" in begin(campaign, "bob")[1]


@HOURS
def test_a_marketplaces_work_is_kept_fetched_and_paid(open_for_mturk, market, server, wrong_clock):
    campaign = open_for_mturk(per_hit=12, workers_per_item=3, round_size=3)
    marketplace.offer(campaign)
    one, other = Frame(market, server, "A1"), Frame(market, server, "A2")
    page, waiting = one.open(), other.open()
    assert (page.status_code, waiting.status_code) == (200, 200)
    sync(campaign)
    assert Assignment.objects.filter(state="open").count() == 2
    hand_in(one, one.send(page, first))
    sync(campaign)
    assert [paid.worker for paid in market.payments] == ["A1"]
    assert Assignment.objects.get(state="open").worker.external_id == "A2"
    assert other.open().status_code == 200


@HOURS
def test_an_address_of_lapsed_work_says_so(tmp_path, wrong_clock):
    campaign = open_campaign(make_pictures(tmp_path), "contains", 12)
    client, address = begin(campaign, "ada")
    past = database_now() - timedelta(seconds=1)
    Assignment.objects.update(expires_at=past)
    Place.objects.filter(holder__isnull=False).update(free_at=past)
    assert "Your time for this work is over" in client.get(address).content.decode()
    assert (
        "Begin" in client.get(reverse("tasks:campaign", args=[campaign.public_id])).content.decode()
    )
