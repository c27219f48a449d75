"""What a worker in MTurk's frame reads before the work, and in which language."""

import pytest
from django.test import Client

from tasks.models import Assignment, Campaign, Consent, ConsentText, Worker
from tasks.simulation.rehearsal.people import form_of
from tasks.simulation.worksheet import consent_form
from tests.studies.framed import Frame, first, hand_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_frame_keeps_the_language_that_its_worker_chose(contains, market, server):
    contains.languages = ["en", "de"]
    contains.consent = {"en": "We study.", "de": "Wir forschen."}
    contains.save()
    frame = Frame(market, server, "A1")
    assert 'lang="en"' in frame.open().content.decode()
    asked = frame.open(lang="de")
    assert "Wir forschen." in asked.content.decode()
    assert consent_form(asked.content.decode()).hidden[-1] == ("lang", "de")
    page = frame.open(lang="de", consent=ConsentText.version_of("Wir forschen."))
    assert '<html lang="de"' in page.content.decode()
    back = frame.send(page, selected="of-another-page")
    assert "lang=de" in back["Location"]
    handed = frame.send(Client().get(back["Location"]), first)
    assert "Ihre Antworten sind gespeichert" in handed.content.decode()
    assert not handed.cookies
    assert not page.cookies
    assert Assignment.objects.get().language == Consent.objects.get().language == "de"


def test_who_has_not_agreed_sees_no_work_and_nothing_is_kept_of_them(contains, market, server):
    contains.consent = "We study pictures."
    contains.save()
    version = ConsentText.version_of(contains.consent)
    frame = Frame(market, server, "A1")
    asked = frame.open().content.decode()
    assert "We study pictures." in asked
    assert "data-section" not in asked
    assert "return this work" in frame.open(refuse=version).content.decode()
    assert not Worker.objects.exists()
    page = frame.open(consent=version)
    assert Consent.objects.filter(worker__external_id="A1", agreed=True).count() == 1
    assert "data-section" in frame.open().content.decode()  # they are not asked again
    assert hand_in(frame, frame.send(page, first))
    assert Assignment.objects.get().submitted_at is not None


def test_a_warning_stands_before_the_first_picture_also_of_a_preview(contains, market, server):
    Campaign.objects.update(content_warning="Blood.", contact="ada@lab.example")
    frame = Frame(market, server, "A1")
    preview = {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "workerId": ""}
    for changes in (preview, {}):
        page = frame.open(**changes).content.decode()
        assert "Blood." in page
        assert "ada@lab.example" in page
        assert "/images/" not in page
        assert form_of(page).fields["hitId"] == frame.parameters["hitId"]
        assert "/images/" in frame.open(**changes, warned="1").content.decode()
    assert "/images/" in frame.open().content.decode()  # they have begun
