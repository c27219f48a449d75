"""When a practice begins, and may still be sent: by work, money, and what has ended meanwhile."""

from decimal import Decimal

import pytest
from django.test import Client

from imagesets.clock import Now
from tasks import money
from tasks.models import Campaign, Invitation, Payment, PictureReport, Place, PracticeTry, Worker
from tests.studies.practised import filled_in, go_on, practise, practising, reporting
from tests.studies.visitors import begin, door, invite, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db) -> Campaign:
    return practising()


def test_it_starts_only_where_there_is_work_and_opens_no_round():
    campaign = practising(round_size=1)
    people = [Client() for _ in range(campaign.hits.count())]
    for client in people:
        go_on(client, practise(campaign, client, begin(door(campaign), client)))
    assert not Place.objects.filter(holder=None).exists()  # all are at work
    stranger = begin(door(campaign), Client())
    assert "nothing=1" in stranger["Location"]
    assert Worker.objects.count() == len(people)
    invited = begin(invite(campaign), Client())  # for whom a round may open, once they passed
    assert "/practice/" in invited["Location"]
    campaign.refresh_from_db()
    assert campaign.round == 1


def test_the_budget_holds_its_pay_and_carries_no_try_beyond():
    campaign = practising(
        budget=Decimal(2), reward=Decimal("0.10"), round_size=1, contact="ada@lab.example"
    )
    hits = campaign.hits.count()
    committed = money.committed(campaign)
    assert committed == Decimal("0.10") * hits
    client = Client()
    begun = begin(door(campaign), client)
    attempt = PracticeTry.objects.get()
    assert attempt.expires_at is not None
    assert "We keep this work for you" in says(client.get(begun["Location"]))
    assert money.committed(campaign) == committed + Decimal("0.10")
    feedback = practise(campaign, client, begun, wrong=4)
    assert money.committed(campaign) == committed + Decimal("0.10")
    Campaign.objects.update(budget=committed + Decimal("0.19"))
    assert "nothing for you" in says(client.get(go_on(client, feedback)["Location"]))
    assert PracticeTry.objects.count() == 1
    stranger = begin(door(campaign), Client())
    assert "/practice/" not in stranger["Location"]
    assert Worker.objects.count() == 1  # nobody was made in vain
    Campaign.objects.update(budget=committed + Decimal("0.20"))
    second = go_on(client, feedback)
    # Its time passes, and the money goes elsewhere: then it is not taken, and nobody is misled.
    PracticeTry.objects.filter(submitted_at=None).update(expires_at="2020-01-01T00:00Z")
    data = filled_in_later(campaign, second["Location"])
    Campaign.objects.update(budget=committed + Decimal("0.19"))
    assert client.get(second["Location"])["Location"].startswith(door(campaign))
    late = client.post(second["Location"], data)
    assert late.status_code == 410
    assert "ada@lab.example" in says(late)
    Campaign.objects.update(budget=committed + Decimal("0.20"))
    assert client.post(second["Location"], data).status_code == 303
    assert money.committed(campaign) == committed + Decimal("0.20")


def filled_in_later(campaign: Campaign, address: str) -> dict:
    """The form of a try as its page had it before its time was over."""
    attempt = PracticeTry.objects.get(token=address.partition("assignmentId=")[2])
    PracticeTry.objects.filter(pk=attempt.pk).update(expires_at=None)
    data = filled_in(campaign, Client().get(address).content.decode())
    PracticeTry.objects.filter(pk=attempt.pk).update(expires_at=attempt.expires_at)
    return data


def test_a_finished_study_begins_no_practice_but_takes_one_that_is_sent(campaign):
    client = Client()
    begun = begin(door(campaign), client)
    opened = client.get(begun["Location"]).content.decode()
    Campaign.objects.update(state="finished")
    assert "study is finished" in says(client.get(door(campaign)))
    feedback = practise(campaign, client, begun)
    assert "gives out no work at present" in says(client.get(feedback))
    assert Payment.objects.count() == 1
    Campaign.objects.update(state="closed", contact="ada@lab.example")
    PracticeTry.objects.update(submitted_at=None, passed=None, right=None)
    assert "ada@lab.example" in says(client.get(begun["Location"]))
    form = reporting(campaign, opened, 0)
    late = Client().post(begun["Location"], form | {"draft": "1", "revision": "1"})
    assert late.status_code == 410
    assert PictureReport.objects.count() == 1  # the worker has seen it
    assert Payment.objects.count() == 1


def test_a_revoked_invitation_lets_the_open_try_end_and_no_more():
    campaign = practising(open="invited")
    client = Client()
    link = invite(campaign)
    begun = begin(link, client)
    Invitation.objects.update(revoked_at=Now())
    feedback = practise(campaign, client, begun, wrong=4)
    assert "/practice/" not in go_on(client, feedback)["Location"]
    assert PracticeTry.objects.count() == 1
    assert Payment.objects.count() == 1
