"""Personal links: whoever has one is its worker, and gains nothing else by it (rule V5)."""

import re
from html import unescape

import pytest
from django.core import signing
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.crowds.local.identity import LINK_SALT, personal_link
from tasks.crowds.local.invitations import revoke
from tasks.models import Arrival, Assignment, Campaign, Invitation, Worker
from tasks.simulation.worksheet import begin_form
from tasks.work.claiming import give_back
from tasks.work.stops import set_aside
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import answer_one, begin, begun, door, invite, is_at_work, says

pytestmark = pytest.mark.django_db

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)|FOR (NO KEY )?UPDATE", re.I)


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path)


@pytest.fixture
def campaign(dataset) -> Campaign:
    """For anyone: two HITs, nine places each."""
    return open_campaign(dataset, "contains", workers_per_item=9, round_size=9)


def link_on(response: HttpResponse) -> str:
    """The personal link that a page shows, below the site's address; "": it shows none."""
    shown = re.search(r'id="personal-link" value="http://testserver(.+?)"', says(response))
    return unescape(shown[1]) if shown else ""


def press(client: Client, address: str) -> tuple[str, HttpResponse]:
    """Press "Begin" on the page at an address: the personal link on it, and the response."""
    page = client.get(address)
    form = begin_form(page.content.decode())
    assert form is not None
    return link_on(page), client.post(form.action, dict(form.hidden))


@pytest.mark.parametrize("uses", [None, 1, 5])
def test_the_link_brings_its_worker_back_in_any_browser(dataset, uses):
    campaign = open_campaign(dataset, "contains", open="invited" if uses else "anyone")
    desk, phone, train = Client(), Client(), Client()
    from_begin, work = press(desk, invite(campaign, uses=uses) if uses else door(campaign))
    work = answer_one(desk, work)
    with CaptureQueriesContext(connection) as queries:
        looks = [ask(from_begin) for ask in (phone.get, phone.head)]
    assert [(look.status_code, len(look.cookies)) for look in looks] == [(200, 0)] * 2
    assert not [q["sql"] for q in queries if WRITES.search(q["sql"])]
    assert press(phone, from_begin)[1]["Location"] == work["Location"]
    assert phone.get(door(campaign))["Location"] == work["Location"]  # it is remembered
    thanks = phone.get(answer_one(phone, work)["Location"])
    from_thanks = link_on(thanks)
    assert "2 sets" in says(thanks)
    _, told = press(train, from_thanks)
    assert "nothing for you to do right now" in says(train.get(told["Location"]))
    assert "2 sets" in says(train.get("/tasks/"))
    assert Worker.objects.count() == Arrival.objects.count() == 1


def test_a_link_from_before_begin_makes_one_worker_within_the_limits(campaign, settings):
    settings.NEW_VISITORS_PER_HOUR = 1
    page = Client().get(door(campaign))
    form, link = begin_form(page.content.decode()), link_on(page)
    worker = begun(link, Client())  # before the page that showed it
    assert is_at_work(Client().post(form.action, dict(form.hidden)))
    assert begun(link, Client()) == worker
    assert Worker.objects.count() == Arrival.objects.count() == 1
    another = link_on(Client().get(door(campaign)))
    assert "from your network" in says(begin(another))
    assert begun(another, Client(), at="203.0.113.7") != worker
    known = Client()
    begin(link, known)
    assert begun(link_on(Client().get(door(campaign))), known) == worker  # nobody new


def test_no_link_lets_in_whom_the_campaign_does_not(dataset):
    campaign = open_campaign(dataset, "contains", open="invited")
    other = open_campaign(dataset, "classify", workers_per_item=9)
    stranger, browser = Client(), Client()
    strangers = begun(door(other), stranger)
    for link in (
        personal_link(campaign, strangers.external_id),
        personal_link(campaign, "visitor-who-never-was"),
    ):
        assert "by invitation" in says(begin(link))
        assert "by invitation" in says(Client().get(link))
        assert door(campaign) not in says(Client().get(link.replace(door(campaign), "/tasks/")))
    work = begin(invite(campaign), browser)
    worker = Worker.objects.latest("pk")
    link = personal_link(campaign, worker.external_id)
    revoke(campaign, Invitation.objects.get().pk, "a test")
    assert press(Client(), link)[1]["Location"] == work["Location"]  # the open HIT alone
    give_back(Assignment.objects.get(campaign=campaign))
    assert "was withdrawn" in says(begin(link))
    set_aside(other, strangers, "careless", "a test")
    give_back(Assignment.objects.get(campaign=other))
    back = begin(personal_link(other, strangers.external_id))
    assert "no more work for you" in says(Client().get(back["Location"]))
    assert Worker.objects.count() == 2


def test_only_the_sites_own_links_count_and_only_for_a_year(campaign, settings, monkeypatch):
    worker = begun(door(campaign), Client())
    name = worker.external_id
    cookie = signing.get_cookie_signer(salt="worker" + "tasks.identity.cookie").sign(name)
    settings.EARLIER_SECRET_KEYS = ["a key that was published"]
    published = signing.TimestampSigner(key="a key that was published", salt=LINK_SALT).sign(name)
    good = personal_link(campaign, name)
    forged = [cookie, published, name, f"{name}:a:b", "x" * 5000, "\0", good[:-1], ":"]
    for me in forged:
        for ask in (Client().get, Client().post):
            response = ask(door(campaign), {"me": me})
            assert response.status_code == 409
            assert "is not valid" in says(response)
        assert Client().get("/tasks/", {"me": me}).status_code == 409
    later = timezone.now().timestamp() + 366 * 24 * 3600
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert "has expired" in says(Client().get(good))
    assert Worker.objects.count() == Assignment.objects.count() == 1


def test_an_assignments_token_yields_no_link(campaign):
    browser = Client()
    thanks = answer_one(browser, answer_one(browser, begin(door(campaign), browser)))["Location"]
    assert link_on(browser.get(thanks))
    after = f"{door(campaign)}?after={thanks.rpartition('=')[2]}"
    for finder in (Client(), Client()):
        assert not link_on(finder.get(thanks))
        assert not link_on(finder.get(after))
        begin(door(campaign), finder)  # now the browser is somebody else's
        assert not link_on(finder.get(thanks))


def test_a_browser_of_another_worker_is_told_before_it_changes_hands(campaign):
    ada, bob = Client(), Client()
    owner = begun(door(campaign), ada)
    begun(door(campaign), bob)
    link = personal_link(campaign, owner.external_id)
    warning = "belongs to somebody other than the person who has worked in this browser"
    assert warning in says(bob.get(link))
    assert warning not in says(Client().get(link))
    form = begin_form(bob.get(link).content.decode())
    forged = bob.post(form.action, dict(form.hidden), headers={"sec-fetch-site": "cross-site"})
    assert "/hit/" not in forged["Location"]
    assert not forged.cookies
    assert begun(link, bob) == begun(door(campaign), bob) == owner
