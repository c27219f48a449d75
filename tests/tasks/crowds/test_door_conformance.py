"""What every crowd must hold whose HITs the site gives out: who comes by its door.

A new crowd is tested as soon as its name stands in CROWDS.
"""

import pytest
from django.http import HttpResponse

from tasks.crowds import CROWDS, BadVisit, crowd_named
from tasks.models import Campaign, Worker
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import visit

DOORS = [name for name in CROWDS if crowd_named(name).door]


@pytest.fixture(params=DOORS)
def at_the_door(request, db, tmp_path) -> Campaign:
    return open_campaign(make_pictures(tmp_path, 6), "contains", crowd=request.param)


def who(campaign: Campaign, address: str, browser: HttpResponse | None = None) -> Worker | None:
    """The worker who comes by an address, in a new browser or one that has kept cookies."""
    try:
        return crowd_named(campaign.crowd).door.worker_of(visit(address, browser), campaign)
    except BadVisit:
        return None


def test_a_link_names_its_worker_however_often_it_is_opened(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    ada, bob = (who(at_the_door, door.link(at_the_door, name)) for name in ("ada", "bob"))
    assert (ada.external_id, bob.external_id) == ("ada", "bob")
    assert ada.crowd == at_the_door.crowd
    assert who(at_the_door, door.link(at_the_door, "ada")) == ada


def test_a_stranger_is_not_somebody_else(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    link = door.link(at_the_door, "ada")
    ada = who(at_the_door, link)
    plain = link.partition("?")[0]
    strangers = [who(at_the_door, address) for address in (plain, plain, link[:-1])]
    assert ada not in strangers
    known = [stranger for stranger in strangers if stranger is not None]
    assert len(known) == len(set(known))


def test_a_browser_that_is_remembered_is_the_same_worker_and_no_other(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    ada, bob = (who(at_the_door, door.link(at_the_door, name)) for name in ("ada", "bob"))
    browser = HttpResponse()
    door.remember(visit("/"), browser, ada)
    assert who(at_the_door, "/", browser) == ada
    assert door.may_be(visit("/", browser), ada)
    assert not door.may_be(visit("/", browser), bob)
    assert door.may_be(visit("/"), bob)  # no cookies at all: the token has to do
    known = [door.remembers(visit("/", browser), worker) for worker in (ada, bob)]
    assert known == [True, False]
    assert not door.remembers(visit("/"), ada)


def test_a_personal_link_names_its_worker_and_is_carried_until_the_browser_does(at_the_door):
    door = crowd_named(at_the_door.crowd).door
    name = "ada+lab & sons"
    ada = who(at_the_door, door.link(at_the_door, name))
    link = door.personal_link(at_the_door, name)
    assert who(at_the_door, link) == ada
    assert door.begins_as(visit(link), at_the_door, "a visit") == name
    assert door.visitor(visit(link)) == ada
    browser = HttpResponse()
    door.remember(visit(link), browser, ada)
    assert door.carried(visit(link), ada)
    assert not door.carried(visit(link, browser), ada)
    assert not door.carried(visit("/"), ada)


def test_nobody_new_comes_while_the_campaign_is_not_open(at_the_door):
    at_the_door.state = "paused"
    assert who(at_the_door, "/") is None
    assert not Worker.objects.exists()
