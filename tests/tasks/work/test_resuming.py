"""Expired work is taken up again only while a place for it is free (rule P15)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tasks.campaigns.publish import close, pause
from tasks.crowds.local.invitations import revoke
from tasks.models import Assignment, Invitation, Place, Worker
from tasks.simulation.worksheet import worksheet
from tasks.work.claiming import next_assignment, open_assignment, renew
from tasks.work.drafts import save
from tasks.work.resuming import Obstacle, obstacle, take_up_again
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.places import expire
from tests.studies.threads import at_once
from tests.studies.visitors import begin, door, invite


@pytest.fixture
def campaign(db, tmp_path):
    """One HIT, of two places."""
    dataset = make_pictures(tmp_path)
    return open_campaign(dataset, "contains", per_hit=12, workers_per_item=2, round_size=2)


def expired(campaign, name: str) -> Assignment:
    assignment = next_assignment(campaign, Worker.of("local", name))
    expire(assignment)
    return Assignment.objects.get(pk=assignment.pk)


def everybody_answers(campaign) -> None:
    for name in ("ada", "bob"):
        while assignment := next_assignment(campaign, Worker.of("local", name)):
            submit(assignment, answer_no(assignment))


def test_the_page_offers_it_with_its_draft_and_one_button(campaign):
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    sheet = worksheet(browser.get(address).content.decode())
    tile = sheet.questions[0].named("selected")[0].value
    fields = dict(sheet.hidden) | {"selected": tile, "comment": "hm"}
    browser.post(address, fields | {"draft": "1", "revision": "4"})
    assignment = Assignment.objects.get()
    expire(assignment)
    html = browser.get(address).content.decode()
    assert html.count("<button") == html.count('name="take_up"') == 1
    assert html.count("<fieldset") == len(re.findall("<fieldset[^>]* disabled>", html)) > 0
    assert f'value="{tile}" id="s-{tile}" checked' in html
    taken = browser.post(address, dict(sheet.hidden) | {"take_up": "1"})
    assert (taken.status_code, taken["Location"]) == (303, address)
    html = browser.get(address).content.decode()
    assert 'name="take_up"' not in html
    assert f'value="{tile}" id="s-{tile}" checked' in html
    assert ">hm</textarea>" in html
    assignment.refresh_from_db()
    assert (assignment.state, assignment.place.free_at) == ("open", assignment.expires_at)
    assert assignment.expires_at > timezone.now() + timedelta(minutes=9)
    assert browser.post(address, fields | {"none": sheet.questions[1].named("none")[0].value})
    assert Assignment.objects.get(state="submitted").comment == "hm"


def test_where_the_place_is_gone_the_page_says_so(campaign):
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    expire(Assignment.objects.get())
    everybody_answers(campaign)
    for response in (browser.get(address), browser.post(address, {"take_up": "1"}, follow=True)):
        assert response.status_code == 410
        assert "others have taken it" in response.content.decode()
    assert Assignment.objects.filter(state="submitted").count() == 2


def stopped(campaign, assignment):
    set_aside(campaign, assignment.worker, "careless", "a test")


def moved_on(campaign, assignment):
    Place.objects.filter(holder=assignment).update(holder=None, free_at=timezone.now())
    assert next_assignment(campaign, assignment.worker).hit_id == assignment.hit_id


OBSTACLES = {
    "paused": (Obstacle.PAUSED, lambda campaign, assignment: pause(campaign, "a test")),
    "closed": (Obstacle.GONE, lambda campaign, assignment: close(campaign, "a test")),
    "all answered": (Obstacle.GONE, lambda campaign, assignment: everybody_answers(campaign)),
    "stopped": (Obstacle.GONE, stopped),
    "begun once more": (Obstacle.BUSY, moved_on),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_keeps_a_worker_from_it(campaign, name):
    reason, happens = OBSTACLES[name]
    assignment = expired(campaign, "eve")
    assert obstacle(assignment) is None
    happens(campaign, assignment)
    campaign.refresh_from_db()
    assignment = Assignment.objects.get(pk=assignment.pk)
    before = list(Place.objects.order_by("pk").values())
    assert obstacle(assignment) == reason
    assert not take_up_again(assignment)
    assert list(Place.objects.order_by("pk").values()) == before


def test_whose_invitation_lapsed_takes_nothing_up_again(campaign):
    campaign.open = "invited"
    campaign.save()
    begin(invite(campaign), Client())
    assignment = Assignment.objects.get()
    expire(assignment)
    assert obstacle(Assignment.objects.get()) is None
    revoke(campaign, Invitation.objects.get().pk, "a test")
    assert obstacle(Assignment.objects.get()) == Obstacle.GONE


def test_other_work_whose_time_is_over_stays_over(db, tmp_path):
    """Or a draft of it would keep a second HIT for the worker."""
    campaign = open_campaign(make_pictures(tmp_path), "contains")
    first = expired(campaign, "ada")
    place = Place.objects.exclude(hit=first.hit_id).first()
    other = open_assignment(campaign, first.worker, place, timezone.now())
    expire(other)
    assert take_up_again(first)
    assert not renew(Assignment.objects.get(pk=other.pk), "other choices")
    assert Assignment.objects.get(state="open") == first


@pytest.mark.django_db(transaction=True)
def test_it_is_never_taken_up_beyond_the_places(tmp_path):
    """Its worker takes it up again, and three others begin, all at once; time after time."""
    campaign = open_campaign(make_pictures(tmp_path), "contains", per_hit=12, workers_per_item=2)
    for number in range(8):
        assignment = expired(campaign, f"ada {number}")
        newcomers = [Worker.of("local", f"bob {number} {n}") for n in range(3)]
        again, *claimed = at_once(
            lambda a=assignment: take_up_again(a),
            *(lambda w=worker: next_assignment(campaign, w) for worker in newcomers),
        )
        held = [a for a in claimed if a is not None] + [assignment] * again
        places = Place.objects.filter(free_at__gt=timezone.now())
        assert len(held) == places.count() == 2
        assert {place.holder_id for place in places} == {a.pk for a in held}
        assert save(assignment, "{}", number + 1) == ("stored" if again else "over")
        for one in held:
            expire(one)
