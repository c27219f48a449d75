"""What the page's own script hears, and what a form without one: the same, in JSON and in HTML."""

import re

import pytest
from django.test import Client

from tasks.models import Assignment, Campaign, Worker
from tasks.simulation.worksheet import worksheet
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign
from tests.studies.places import expire
from tests.studies.visitors import begin, door, says

JSON = {"accept": "application/json"}


@pytest.fixture(params=["contains", "classify"])
def campaign(db, tmp_path, request):
    dataset = make_pictures(tmp_path)
    return open_campaign(dataset, request.param, workers_per_item=2, round_size=2)


def form(sheet, *changes: tuple[str, str]) -> dict[str, list[str]]:
    data: dict[str, list[str]] = {}
    for name, value in [*fields_of(sheet), *changes]:
        data.setdefault(name, []).append(value)
    return data


def preloaded(response) -> list[str]:
    return re.findall(r"<([^>]+)>; rel=preload; as=image", response.headers.get("Link", ""))


def test_the_script_goes_from_hit_to_hit(campaign):
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    while "/hit/" in address:
        page = browser.get(address)
        sheet = worksheet(page.content.decode())
        pictures = re.findall(r'<img[^>]* src="(/images/[^"]+)"', page.content.decode())
        first = preloaded(page)
        assert first == pictures[: len(first)] != []
        wrong = browser.post(address, dict(sheet.hidden), headers=JSON)
        assert wrong.status_code == 422
        errors = wrong.json()["errors"]
        assert {tuple(error) for error in errors} == {("item", "message")}
        asked = set(re.findall(r'data-(?:section|item)="([^"]+)"', page.content.decode()))
        assert {error["item"] for error in errors} == asked
        data = form(sheet)
        done = browser.post(address, data, headers=JSON)
        assert done.status_code == 200
        again = browser.post(address, data, headers=JSON)
        assert "/thanks/" in again.json()["next"]
        assert "Sending them again changes nothing" in says(browser.get(again.json()["next"]))
        assert list(done.json()) == ["next"]
        answered, address = address, done.json()["next"]
        if "/hit/" in address:
            assert preloaded(done) == preloaded(browser.get(address))
    assert Assignment.objects.filter(state="submitted").count() == 2
    stranger = browser.post(answered + "x", headers=JSON)
    assert (stranger.status_code, list(stranger.json())) == (409, ["detail"])


def test_the_script_hears_of_a_late_answer(campaign):
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    sheet = worksheet(browser.get(address).content.decode())
    late = Assignment.objects.get()
    expire(late)
    for name in ("ada", "bob"):
        while assignment := next_assignment(campaign, Worker.of("local", name)):
            said = {"answers": [None] * 6, "unseen": assignment.shown}
            submit(assignment, answer_no(assignment) if campaign.kind == "contains" else said)
    response = browser.post(address, form(sheet), headers=JSON)
    assert (response.status_code, list(response.json())) == (410, ["detail"])
    late.refresh_from_db()
    assert (late.state, late.submitted_at is not None) == ("expired", True)
    assert "your answers came too late" in says(browser.get(address))
    again = browser.post(address, form(sheet), headers=JSON).json()["next"]
    Campaign.objects.update(state="open")  # for others there may be more
    assert "your answers came too late" in says(browser.get(again))


def test_giving_back_asks_once_if_something_was_chosen(campaign):
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    sheet = worksheet(browser.get(address).content.decode())
    option = sheet.questions[0].options[0]
    hidden = dict(sheet.hidden)
    browser.post(address, hidden | {"draft": 1, "revision": 1, option.name: option.value})
    asked = browser.post(address, hidden | {"return": "1"})
    assert asked.status_code == 200
    assert f'href="{address}"' in asked.content.decode()
    assert Assignment.objects.get().state == "open"
    sure = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asked.content.decode()))
    assert browser.post(address, sure)["Location"].startswith(door(campaign) + "thanks/")
    assert Assignment.objects.get().state == "returned"
    address = begin(door(campaign), browser)["Location"]
    page = worksheet(browser.get(address).content.decode())
    nothing = dict(page.hidden) | {"draft": 1, "revision": 1, "comment": "hm"}
    assert browser.post(address, nothing).status_code == 204
    given = browser.post(address, dict(page.hidden) | {"return": "1"}, headers=JSON)
    assert "/thanks/" in given.json()["next"]


def test_a_picture_that_was_not_seen_has_no_response(campaign):
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    html = browser.get(address).content.decode()
    sheet = worksheet(html)
    if campaign.kind == "contains":
        name, value = "unseen", sheet.questions[0].named("selected")[0].value
        none: tuple[str, str] = ("", "")
    else:
        item = re.search(r'data-item="([^"]+)"', html)[1]
        name, value, none = f"unseen-{item}", "1", (f"none-{item}", "1")
    data = form(sheet, (name, value))
    data.pop(none[0], None)
    assert browser.post(address, data).status_code == 303
    done = Assignment.objects.get(state="submitted")
    assert done.unseen == done.shown[:1]
