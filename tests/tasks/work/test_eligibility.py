"""Whom other campaigns of the same crowd keep out, or alone let in (rule V10)."""

import pytest
from django.test import Client

from tasks.campaigns.draft_checks import problems_of
from tasks.models import HIT, Assignment, Campaign, Place, Worker
from tasks.models.campaign_settings import SETTINGS
from tasks.work.claiming import give_back, next_assignment
from tasks.work.submitting import submit
from tasks.work.take_up import NotOffered, take_up
from tests.factories import answer_no, make_campaign
from tests.studies.fair import open_for_business
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.panels import Person, open_panel
from tests.studies.visitors import begin, begun, door, is_at_work, says


def worked(campaign: Campaign, worker: Worker) -> None:
    """Let the worker answer one HIT of a campaign."""
    assignment = next_assignment(campaign, worker)
    submit(assignment, answer_no(assignment))


def test_whoever_worked_on_an_excluded_campaign_gets_no_work(dataset):
    first = make_campaign(dataset, slug="first", open="anyone")
    second = make_campaign(dataset, slug="second", open="anyone", exclude_workers_of=["first"])
    browser = Client()
    ada = begun(door(first), browser)  # has a HIT open, and so has seen its pictures
    refused = begin(door(second), browser)
    assert not is_at_work(refused)
    assert "goes together with this one" in says(browser.get(refused["Location"]))
    assert next_assignment(second, ada) is None
    assert is_at_work(begin(door(second), Client()))


def test_only_whoever_worked_on_a_campaign_gets_work(dataset):
    first = make_campaign(dataset, slug="first", open="anyone")
    second = make_campaign(dataset, slug="second", open="anyone", only_workers_of=["first"])
    browser = Client()
    ada = begun(door(first), browser)
    workers = Worker.objects.count()
    assert "certain earlier studies" in says(browser.get(door(second)))
    assert "certain earlier studies" in says(Client().get(door(second)))
    assert not is_at_work(begin(door(second), Client()))
    assert Worker.objects.count() == workers
    worked(first, ada)
    assert is_at_work(begin(door(second), browser))


def test_a_hit_that_is_open_may_be_finished(dataset):
    make_campaign(dataset, slug="first", open="anyone")
    second = make_campaign(dataset, slug="second", open="anyone")
    ada = Worker.of("local", "ada")
    assignment = next_assignment(second, ada)
    Campaign.objects.filter(pk=second.pk).update(only_workers_of=["first"])
    second.refresh_from_db()
    assert next_assignment(second, ada) == assignment
    submit(assignment, answer_no(assignment))
    assert assignment.__class__.objects.get().used
    assert next_assignment(second, ada) is None


def test_a_marketplaces_frame_gives_them_nothing_either(db, tmp_path, monkeypatch):
    open_for_business(monkeypatch)
    pictures = make_pictures(tmp_path)
    first = open_campaign(pictures, "contains", crowd="fair", slug="first")
    second = open_campaign(
        pictures, "contains", crowd="fair", slug="second", exclude_workers_of=["first"]
    )
    worked_on, wanted = first.hits.first(), second.hits.first()
    take_up(worked_on, Worker.of("fair", "A1"), "key-1")
    with pytest.raises(NotOffered, match="goes together"):
        take_up(wanted, Worker.of("fair", "A1"), "key-2")
    address = f"/hit/{wanted.public_id}/?work=key-2&worker="
    page = says(Client().get(address + "A1"))
    assert "goes together with this one" in page
    assert "return this work" in page
    assert Client().post(address + "A1", {"draft": "1", "revision": "1"}).status_code == 409
    assert Client().get(address + "A2").status_code == 200
    assert not Assignment.objects.filter(hit=wanted, worker__external_id="A1").exists()


def test_a_panels_person_goes_back_as_one_for_whom_there_is_no_work(dataset):
    first = open_panel(dataset, slug="first")
    second = open_panel(dataset, slug="second", exclude_workers_of=["first"])
    Person(first, "ada").begin().answer()
    ada = Person(second, "ada").begin()
    assert "goes together with this one" in ada.html
    assert "cc=NONE4" in ada.html
    assert Place.objects.filter(campaign=second, holder=None).count() == 3 * second.hits.count()
    assert Person(second, "bob").begin().is_at_work
    assert HIT.objects.exists()


def test_whoever_lets_themselves_be_excluded_is_paid_for_what_they_did(dataset):
    """Not for the whole session, as one whose work ran out is."""
    other = open_panel(dataset, slug="other")
    campaign = open_panel(dataset, slug="second", exclude_workers_of=["other"])
    ada = Person(campaign, "ada").begin().answer()
    Person(other, "ada").begin()
    ada.answer()  # what was open they may finish
    assert (ada.record.outcome, campaign.session_hits) == ("done", 2)
    bob = Person(campaign, "bob").begin().answer()
    Person(other, "bob").begin()
    give_back(bob.record.assignments.get(state="open"))
    bob.begin()
    assert bob.record.outcome == "left"
    worth = bob.record.assignments.get(state="submitted").hit.reward
    assert [(paid.kind, paid.amount) for paid in bob.record.payments.all()] == [("bonus", worth)]


@pytest.mark.parametrize("name", ["exclude_workers_of", "only_workers_of"])
def test_only_campaigns_of_the_same_crowd_can_be_named(dataset, name):
    make_campaign(dataset, slug="first")
    values = {key: setting.default for key, setting in SETTINGS.items()}
    values |= {"slug": "newer", "dataset": dataset, "kind": "contains"}
    known = Campaign.objects.all()
    assert problems_of(values | {name: ["first"]}, known) == []
    wrong = problems_of(values | {name: ["first"], "crowd": "panel"}, known)
    assert wrong == [(name, "Campaign first is for the crowd local, whose people are others.")]
    assert problems_of(values | {name: ["frist"]}, known)[0][1].startswith("There is no campaign")
    assert problems_of(values | {name: ["newer"]}, known)[0] == (
        name,
        "A campaign cannot name itself.",
    )
