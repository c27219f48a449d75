"""Consent: who has not agreed gets no work, and every decision is kept with its text (rule V6)."""

import pytest
from django.test import Client

from annotation.exports import Export
from tasks.models import Assignment, Campaign, Consent, ConsentText, Place, Worker
from tasks.simulation.worksheet import consent_form
from tests.studies.visitors import answer_one, begin, door, invite, is_at_work, says

pytestmark = pytest.mark.django_db
TEXT = "We study **pictures**. <script>alert(1)</script>"


@pytest.fixture
def asking(campaign) -> Campaign:
    Campaign.objects.filter(pk=campaign.pk).update(
        consent=TEXT, contact="Ada, ada@lab.example", open="anyone"
    )
    campaign.refresh_from_db()
    return campaign


def press(client: Client, address: str, button: int):
    """The first button of the consent's page agrees, the second refuses."""
    form = consent_form(client.get(address).content.decode())
    return client.post(address, dict([*form.hidden, form.buttons[button]]))


def test_who_has_not_agreed_takes_no_place_and_who_refuses_may_come_back(asking):
    client = Client()
    response = begin(door(asking), client)
    assert "/consent/?me=" in response["Location"]
    free = Place.objects.filter(holder=None).count()
    page = client.get(response["Location"])
    assert "<strong>pictures</strong>" in page.content.decode()
    assert "<script>" not in page.content.decode()
    assert "ada@lab.example" in says(page)
    refused = press(client, response["Location"], 1)
    assert "You do not take part" in says(refused)
    assert not is_at_work(begin(door(asking), client))
    assert Place.objects.filter(holder=None).count() == free
    assert not Assignment.objects.exists()
    # On another device, by the address alone: still the same person.
    agreed = press(Client(), response["Location"], 0)
    assert is_at_work(agreed)
    assert list(Consent.objects.values_list("agreed", "text__text", "language")) == [
        (False, TEXT, "en"),
        (True, TEXT, "en"),
    ]
    assert Worker.objects.count() == 1
    assert is_at_work(answer_one(client, agreed))


@pytest.mark.django_db(transaction=True)  # an export reads by a connection of its own
def test_a_changed_text_is_asked_again_after_the_hit_that_is_open(asking):
    client = Client()
    agreed = press(client, begin(invite(asking), client)["Location"], 0)
    Campaign.objects.update(consent="Another text.")
    after = answer_one(client, agreed)  # the answer counts
    assert Assignment.objects.get().used
    assert "/consent/?after=" in after["Location"]
    page = client.get(after["Location"])
    assert "has changed since you agreed" in says(page)
    stale = {"agree": ConsentText.version_of(TEXT)}
    assert "Another text" in says(client.post(after["Location"], stale))
    assert is_at_work(press(client, after["Location"], 0))
    lines = b"".join(Export(asking, "consents", "csv")).decode().splitlines()
    assert lines[0] == "campaign,worker,version,language,agreed,at"
    assert [line.split(",")[2] for line in lines[1:]] == [
        ConsentText.version_of(TEXT),
        ConsentText.version_of("Another text."),
    ]


def test_nobody_agrees_for_another_or_from_another_site(asking):
    client = Client()
    address = begin(door(asking), client)["Location"]
    form = dict([*consent_form(client.get(address).content.decode()).hidden])
    version = {"agree": ConsentText.version_of(TEXT)}
    forged = client.post(address, form | version, headers={"sec-fetch-site": "cross-site"})
    assert forged.status_code == 200
    stranger = Client().post(door(asking) + "consent/", version)
    assert stranger["Location"].startswith(door(asking))
    broken = Client().post(door(asking) + "consent/", version | {"me": "visitor-1:abc:def"})
    assert broken.status_code == 409
    assert not Consent.objects.exists()


def test_what_is_kept_is_said_in_one_page(asking):
    page = Client().get(door(asking) + "kept/")
    assert "Which text you agreed to" in says(page)
    assert "Which pictures you reported" in says(page)
    assert "ada@lab.example" in says(page)
    assert "kept/" in Client().get(door(asking)).content.decode()
