"""Looking at a campaign's link changes nothing; only "Begin" takes a place (rules P2, P5)."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tasks.campaigns.publish import close, pause
from tasks.crowds.local.identity import link
from tasks.models import Assignment, Campaign, Place, Transition, Worker
from tasks.simulation.worksheet import begin_form, worksheet
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no, work_through
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign
from tests.studies.places import expire
from tests.studies.threads import at_once

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)|FOR (NO KEY )?UPDATE", re.I)


@pytest.fixture
def study(db, tmp_path) -> Campaign:
    """Two HITs, three places each so far, up to nine."""
    return open_campaign(make_pictures(tmp_path), "contains")


def door(campaign: Campaign) -> str:
    return reverse("tasks:campaign", args=[campaign.public_id])


def press(client: Client, address: str, **headers: str) -> HttpResponse:
    """Press "Begin" on the page at an address."""
    form = begin_form(client.get(address).content.decode())
    return client.post(form.action, dict(form.hidden), headers=headers)


def as_form(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    return form


def stranger() -> Worker:
    """Somebody without an invitation and without an answer."""
    return Worker.of("local", f"visitor-{Worker.objects.count()}")


def test_270_visits_take_no_place_and_open_no_round(study):
    before = Transition.objects.count()
    for _ in range(270):
        assert Client().get(door(study)).status_code == 200
    study.refresh_from_db()
    assert (study.round, study.target) == (1, 3)
    assert not Worker.objects.exists()
    assert not Assignment.objects.exists()
    assert Transition.objects.count() == before
    assert press(Client(), door(study))["Location"].startswith("/hit/")


@pytest.mark.parametrize("state", ["open", "paused", "closed"])
def test_a_look_writes_no_row_and_sets_no_cookie(study, state):
    client = Client()
    press(client, door(study))
    expire(Assignment.objects.get())
    if state != "open":
        {"paused": pause, "closed": close}[state](study, "a test")
    for browser in (client, Client()):
        for method in (browser.get, browser.head):
            for address in (door(study), link(study, "ada"), "/tasks/"):
                with CaptureQueriesContext(connection) as queries:
                    response = method(address)
                assert response.status_code == 200
                assert not response.cookies
                assert not [q["sql"] for q in queries if WRITES.search(q["sql"])]
    assert Assignment.objects.get().state == "open"


def test_begin_carries_the_invitation_and_leads_back_to_the_open_hit(study):
    client = Client()
    work = press(client, link(study, "ada"))
    assert work.status_code == 303
    assert Worker.objects.get().external_id == "ada"
    assert client.get(door(study))["Location"] == work["Location"]
    assert Client().get(link(study, "ada"))["Location"] == work["Location"]


def test_a_form_sent_twice_makes_one_worker_who_holds_one_place(study):
    form = begin_form(Client().get(door(study)).content.decode())
    twice = [Client().post(form.action, dict(form.hidden)) for _ in range(2)]
    assert twice[0]["Location"] == twice[1]["Location"]
    assert Worker.objects.count() == Assignment.objects.count() == 1


def test_a_worker_without_cookies_goes_on_by_the_thanks_page(study):
    where = press(Client(), door(study))["Location"]
    while "/hit/" in where:
        sheet = worksheet(Client().get(where).content.decode())
        where = Client().post(where, as_form(fields_of(sheet)))["Location"]
    more = re.search(r'href="([^"]*after=[^"]*)"', Client().get(where).content.decode())[1]
    told = press(Client(), more)
    assert told.status_code == 303
    assert "nothing for you to do right now" in Client().get(told["Location"]).content.decode()
    assert Worker.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://[testserver"},
    ],
)
def test_another_sites_form_begins_nothing_and_changes_no_cookie(study, headers):
    ada = Client()
    press(ada, link(study, "ada"))
    cookie = ada.cookies["worker"].value
    eve = dict(parse_qsl(urlsplit(link(study, "eve")).query))
    workers = Worker.objects.count()
    forged = ada.post(door(study), eve, headers=headers)
    assert forged.status_code == 303
    assert "/hit/" not in forged["Location"]
    assert not forged.cookies
    assert ada.cookies["worker"].value == cookie
    assert (Worker.objects.count(), Assignment.objects.count()) == (workers, 1)


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://testserver"}, {}]
)
def test_the_pages_own_form_begins(study, headers):
    assert "/hit/" in press(Client(enforce_csrf_checks=True), door(study), **headers)["Location"]


@pytest.mark.django_db(transaction=True)
def test_two_tabs_end_at_the_same_hit(study):
    client = Client()
    client.get(door(study))
    form = dict(begin_form(client.get(link(study, "ada")).content.decode()).hidden)

    def tab() -> str:
        return Client().post(door(study), form)["Location"]

    assert len(set(at_once(*[tab] * 6))) == 1
    assert Place.objects.filter(holder__isnull=False).count() == 1


def take_all_places(campaign: Campaign) -> list[Assignment]:
    """Strangers take every place and answer none."""
    taken = []
    while assignment := next_assignment(campaign, stranger()):
        taken.append(assignment)
    return taken


def test_strangers_open_no_round_however_often_they_begin(study):
    assert len(take_all_places(study)) == 6
    workers = Worker.objects.count()
    for _ in range(5):
        told = press(Client(), door(study))
        assert "/hit/" not in told["Location"]
        assert "nothing for you to do right now" in Client().get(told["Location"]).content.decode()
    study.refresh_from_db()
    assert (study.round, Place.objects.count()) == (1, 6)
    assert Worker.objects.count() == workers  # nobody is made for whom there is no work


@pytest.mark.parametrize("by", ["an invitation", "a used answer"])
def test_a_known_workers_begin_opens_a_round_where_their_look_does_not(study, by):
    ada = Client()
    address = link(study, "ada") if by == "an invitation" else door(study)
    if by == "a used answer":
        where = press(ada, address)["Location"]
        token = where.rpartition("=")[2]
        submit(Assignment.objects.get(token=token), answer_no(None))
    take_all_places(study)
    assert "Begin" in ada.get(address).content.decode()
    study.refresh_from_db()
    assert study.round == 1
    assert "/hit/" in press(ada, address)["Location"]
    study.refresh_from_db()
    assert study.round == 2


def test_the_last_answer_of_a_round_opens_the_next_with_strangers_only(study):
    work_through(study, [stranger() for _ in range(3)])
    assert study.round == 2
    assert next_assignment(study, stranger()) is not None


def test_a_round_that_a_crash_kept_from_opening_opens_for_a_stranger(study, monkeypatch):
    monkeypatch.setattr("tasks.work.submitting.go_on_if_answered", lambda campaign: None)
    work_through(study, [stranger() for _ in range(3)])
    assert study.round == 1
    assert "/hit/" in press(Client(), door(study))["Location"]


def test_a_form_resent_renews_nothing_unless_its_choices_differ(study):
    client = Client()
    address = press(client, door(study))["Location"]
    running = Assignment.objects.get()
    sheet = worksheet(client.get(address).content.decode())
    option = sheet.questions[0].options[0]  # the other section stays without an answer
    shorter = running.opened_at + (running.expires_at - running.opened_at) / 2

    def renewed(*choices: tuple[str, str]) -> bool:
        Assignment.objects.update(expires_at=shorter)
        Place.objects.filter(holder=running).update(free_at=shorter)
        assert client.post(address, dict([*sheet.hidden, *choices])).status_code == 303
        return Assignment.objects.get().expires_at > shorter

    chosen = (option.name, option.value)
    assert not renewed()
    assert not renewed(("selected", "nothing on this page"))
    assert renewed(chosen)
    assert not renewed(chosen)
    assert not renewed(chosen, ("comment", "I am still here"))
    assert renewed()  # it was unchecked again
