"""Pictures of a practice that did not load or were reported: they count in no mark."""

import re

import pytest
from django.test import Client

from imagesets.models import Image
from tasks.models import Campaign, Payment, PictureReport, PracticeItem, PracticeTry, Worker
from tasks.simulation.worksheet import worksheet
from tasks.work.claiming import next_assignment
from tasks.work.reporting import keep_reports
from tests.studies.practised import filled_in, go_on, practising, reporting
from tests.studies.visitors import begin, door, is_at_work, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db) -> Campaign:
    return practising()


def test_a_picture_that_did_not_load_is_left_out_of_the_mark(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = filled_in(campaign, client.get(address).content.decode())
    unseen = data["selected"].pop()
    sections = worksheet(client.get(address).content.decode()).questions
    data["none"] = [
        q.named("none")[0].value
        for q in sections
        if not {o.value for o in q.named("selected")} & set(data["selected"])
    ]
    client.post(address, data | {"unseen": [unseen]})
    attempt = PracticeTry.objects.get()
    assert (attempt.right, attempt.seen, attempt.passed) == (3, 3, True)
    assert "Not seen" in says(client.get(address))
    assert "<strong>3 of 3</strong> were right; 3 are needed." in says(client.get(address))


def test_a_picture_reported_in_a_practice_is_kept_and_not_shown_again(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = reporting(campaign, client.get(address).content.decode(), 0)
    (tile,) = data["report"]
    draft = {"draft": "1", "revision": "1", f"why-{tile}": "blood"}
    assert client.post(address, data | draft).status_code == 204
    report = PictureReport.objects.get()
    attempt = PracticeTry.objects.get()
    item = attempt.hit.items.get(position=attempt.shown[0])
    assert (report.image, report.label, report.reason) == (item.image, item.label, "blood")
    assert (report.campaign, report.worker, report.assignment) == (campaign, attempt.worker, None)
    page = client.get(address).content.decode()  # a reload
    assert re.search(rf'name="report" value="{tile}"[^>]* checked', page)
    assert 'value="blood"' in page
    # The pictures of the HITs are the same file under other keys.
    asked = Image.objects.filter(pk__in=campaign.pairs.values("image"))
    asked.update(sha256=item.image.sha256)
    client.post(address, data | {f"why-{tile}": "blood"})
    attempt.refresh_from_db()
    assert attempt.unseen == attempt.shown[:1]
    assert (attempt.right, attempt.seen, attempt.passed) == (3, 3, True)
    told = client.get(address)
    assert item.image.public_id not in told.content.decode()
    assert "You reported this picture." in says(told)
    assert "did not load" not in says(told)
    at_work = go_on(client, address)
    assert is_at_work(at_work)
    hit = client.get(at_work["Location"])
    assert "You reported picture 1 before, so it is not shown to you." in says(hit)
    assert "/images/" not in hit.content.decode()
    assert PictureReport.objects.get() == report
    stranger = Client()
    other = begin(door(campaign), stranger)["Location"]
    assert item.image.public_id in stranger.get(other).content.decode()


def test_whoever_reports_most_of_a_practice_does_not_pass(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    client.post(address, reporting(campaign, client.get(address).content.decode(), 0, 1))
    attempt = PracticeTry.objects.get()
    assert (attempt.right, attempt.seen, attempt.passed) == (2, 2, False)
    assert "<strong>2 of 2</strong> were right; 3 are needed." in says(client.get(address))
    assert Payment.objects.count() == 1  # it is paid all the same
    second = go_on(client, address)["Location"]
    client.post(second, reporting(campaign, client.get(second).content.decode(), 0, 1, 2, 3))
    assert "Thank you for practising" in says(client.get(second))
    assert next_assignment(campaign, attempt.worker) is None
    reported = set(PictureReport.objects.values_list("image", flat=True))
    assert reported >= set(
        PracticeItem.objects.filter(hit__number=2).values_list("image", flat=True)
    )
    assert Payment.objects.count() == 2


def test_pictures_are_reported_in_it_as_in_a_hit(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = filled_in(campaign, client.get(address).content.decode())
    selected, kept = data["selected"]
    draft = data | {"draft": "1", "report": [selected, kept], f"why-{kept}": "blood"}
    assert client.post(address, draft | {"revision": "2"}).status_code == 204
    assert PictureReport.objects.count() == 2
    client.post(address, draft | {"revision": "1", "report": []})  # it comes late
    assert PictureReport.objects.count() == 2
    client.post(address, draft | {"revision": "3", "report": [kept]})
    report = PictureReport.objects.get()
    assert (report.reason, report.assignment, report.worker) == (
        "blood",
        None,
        Worker.objects.get(),
    )
    attempt = PracticeTry.objects.get()
    keep_reports(attempt, {}, revision=2)  # of a draft that was stored first, and is slower
    assert PictureReport.objects.get() == report
    client.post(address, data | {"report": [kept]})
    attempt.refresh_from_db()
    assert (attempt.right, attempt.seen, attempt.passed) == (3, 3, True)
    assert PictureReport.objects.get() == report
