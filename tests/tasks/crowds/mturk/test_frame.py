"""A HIT's page in MTurk's frame: preview, work, and the answer handed in."""

import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from tasks.campaigns.publish import close
from tasks.crowds.mturk.batch import judgments_of
from tasks.crowds.mturk.form_data import from_xml
from tasks.market.sync import sync
from tasks.models import Assignment, PictureReport, Place, Worker
from tasks.models.opaque import opaque
from tasks.simulation.rehearsal.documents import answers_xml
from tasks.simulation.rehearsal.people import form_of
from tasks.simulation.worksheet import worksheet
from tasks.work.stops import set_aside
from tests.studies.framed import Frame, first, hand_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_preview_stores_nothing_and_cannot_be_sent(contains, market, server):
    frame = Frame(market, server, "A1")
    for page in (
        frame.open(assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE", workerId=""),
        Client().get(frame.path),
    ):
        assert page.status_code == 200
        assert "This is a preview" in page.content.decode()
        assert " disabled" in page.content.decode()
    assert Client().post(frame.path, {"selected": "x"}).status_code == 409
    assert not Assignment.objects.exists()
    assert not Worker.objects.exists()


@pytest.mark.parametrize("with_query", [True, False])
def test_an_answer_is_stored_here_and_then_handed_in(campaign, market, server, with_query):
    frame = Frame(market, server, "A1")
    page = frame.open()
    assert not page.cookies
    response = frame.send(page, first, with_query)
    assert response.status_code == 200
    assert not response.cookies
    stored = Assignment.objects.get()
    assert (stored.state, stored.outcome, stored.key) == ("submitted", "", frame.accepted.id)
    assert stored.worker.external_id == "A1"
    form = form_of(response.content.decode())
    assert form.action == f"{server.address}/mturk/externalSubmit"
    assert form.fields["assignmentId"] == frame.accepted.id
    policy = response["Content-Security-Policy"]
    assert re.search(rf"form-action {server.address}(;|$)", policy)
    assert "https://www.mturk.com" in re.search("frame-ancestors ([^;]*)", policy).group(1)
    assert "X-Frame-Options" not in response
    # MTurk keeps the same answer as the site.
    answer = from_xml(stored.hit, answers_xml(list(form.fields.items())))
    assert answer.pop("shown") == stored.shown
    names = ("answers",) if campaign.kind == "classify" else ("selected", "maybe", "unseen")
    assert {name: answer[name] for name in names} == {name: getattr(stored, name) for name in names}
    hand_in(frame, response)
    sync(campaign)
    stored.refresh_from_db()
    assert (stored.outcome, stored.market_state) == ("accepted", "approved")


def test_the_page_of_the_form_says_nothing_of_items_to_mturk(contains, market, server):
    frame = Frame(market, server, "A1")
    answer = json.loads(form_of(frame.send(frame.open(), first).content.decode()).fields["answer"])
    stored = Assignment.objects.get()
    assert len(set(answer["shown"])) == len(stored.shown)
    assert all(re.fullmatch("i[a-z2-7]{12}", name) for name in answer["shown"])


def test_repeated_answers_and_visits_hand_the_same_answer_in(contains, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open()
    responses = [frame.send(page, first), frame.send(page), frame.open()]
    assert [response.status_code for response in responses] == [200, 200, 200]
    forms = [form_of(response.content.decode()) for response in responses]
    assert forms[0] == forms[1] == forms[2]
    assert Assignment.objects.get().selected


def test_a_wrong_form_comes_back_in_the_frame_with_its_fields(contains, market, server):
    frame = Frame(market, server, "A1")
    before = timezone.now()
    back = frame.send(frame.open(), selected="of-another-page")
    assert back.status_code == 303
    page = Client().get(back["Location"])
    assert "Not sent yet" in page.content.decode()
    assert dict(worksheet(page.content.decode()).hidden).items() >= frame.parameters.items()
    assert frame.send(page, first).status_code == 200
    assert Assignment.objects.get().expires_at > before


def test_a_draft_is_kept_in_the_frame_and_the_script_hands_in(campaign, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open()
    assert f"form-action 'self' {server.address}" in page["Content-Security-Policy"]
    Place.objects.update(holder=None, free_at=timezone.now())
    Assignment.objects.all().delete()  # to make room for others
    comment = {"draft": "1", "revision": "3", "comment": "hm"}
    assert frame.send(page, first, **comment).status_code == 204
    html = frame.open().content.decode()
    assert ">hm</textarea>" in html
    assert 'data-revision="3"' in html
    assert " checked" in html
    asked = frame.send(page, **{"return": "1"})
    assert "Give this work back?" in asked.content.decode()
    done = frame.send(page, first, accept="application/json")
    handed = done.json()["hand_in"]
    assert handed["action"] == f"{server.address}/mturk/externalSubmit"
    assert set(handed["fields"]) == {"assignmentId", "answer"}
    assert frame.send(page, first, **comment).status_code == 409
    market.hand_in(frame.accepted.id, list(handed["fields"].items()))
    sync(campaign)
    assert Assignment.objects.get().used


def test_a_picture_that_was_not_seen_is_handed_in_as_such(campaign, market, server):
    frame = Frame(market, server, "A1")
    frame.open()
    open_now = Assignment.objects.get()
    unseen = opaque(open_now.token, "item", open_now.shown[0])
    if campaign.kind == "contains":
        response = frame.send(frame.open(), unseen=unseen)
    else:
        response = frame.send(frame.open(), **{f"none-{unseen}": "", f"unseen-{unseen}": "1"})
    done = Assignment.objects.get()
    assert done.unseen == done.shown[:1]
    form = form_of(response.content.decode())
    answer = from_xml(done.hit, answers_xml(list(form.fields.items())))
    assert (answer["unseen"], answer.get("answers")) == (done.unseen, done.answers)
    rows = judgments_of(done.hit, form.fields["answer"])
    assert [row["selected"] is None for row in rows] == [True] + [False] * (len(rows) - 1)


@pytest.mark.parametrize(
    "submit_to",
    ["https://evil.example", "http://www.mturk.com", "https://www.mturk.com.evil.example", "x"],
)
def test_answers_go_nowhere_but_to_the_marketplace(contains, market, server, submit_to):
    frame = Frame(market, server, "A1", turkSubmitTo=submit_to)
    assert frame.open().status_code == 409
    assert not Assignment.objects.exists()
    good = Frame(market, server, "A2")
    page = good.open()
    assert good.send(page, first, turkSubmitTo=submit_to).status_code == 409
    assert not Assignment.objects.filter(state="submitted").exists()
    assert good.open(turkSubmitTo="https://www.mturk.com").status_code == 200


def test_a_stopped_worker_may_finish_what_is_open_and_gets_no_more(contains, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open()
    set_aside(contains, Worker.objects.get(), "careless", "a test")
    assert frame.open(assignmentId="3ANOTHERASSIGNMENT").status_code == 409
    response = frame.send(page, first)
    assert response.status_code == 200
    hand_in(frame, response)
    sync(contains)
    done = Assignment.objects.get()
    assert (done.outcome, done.set_aside, done.used) == ("accepted", True, False)
    assert len(market.payments) == 1


def test_the_end_of_a_study(contains, market, server):
    frame = Frame(market, server, "A1")
    frame.open()
    late = Frame(market, server, "A2")
    close(contains, "a test")
    assert frame.open().status_code == 410
    assert late.open().status_code == 409
    assert not market.open_hits()


def test_no_page_in_the_frame_offers_the_sites_other_studies(contains, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open()
    pages = [
        Client().post(frame.path, {"selected": "x"}),  # of a preview
        Client().get("/hit/nothing/", headers={"Sec-Fetch-Dest": "iframe"}),
        frame.open(workerId="?"),
    ]
    close(contains, "a test")
    pages += [frame.open(), frame.send(page, draft="1", revision="1"), Client().get(frame.path)]
    assert [answer.status_code for answer in pages] == [409, 404, 409, 410, 410, 410]
    pages.append(Client().get(f"/tasks/{contains.public_id}/kept/"))  # to which they lead
    assert [b"All open studies" in answer.content for answer in pages] == [False] * 7


def test_a_report_in_the_frame_arrives_at_once_and_hides_the_picture(contains, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open(warned="1")
    item = worksheet(page.content.decode()).questions[0].named("selected")[0].value
    draft = {"draft": "1", "revision": "1", "report": item, f"why-{item}": "cruel"}
    assert frame.send(page, **draft).status_code == 204
    report = PictureReport.objects.get()
    assert (report.worker.external_id, report.reason) == ("A1", "cruel")
    frame.send(page, report=item)
    done = Assignment.objects.get()
    same = done.hit.items.filter(image__sha256=report.image.sha256)  # under whatever key
    assert sorted(done.unseen) == list(same.values_list("position", flat=True))
    assert done.shown[0] in done.unseen
