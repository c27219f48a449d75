"""A HIT's page in MTurk's frame: preview, work, and the answer handed in."""

import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from tasks.campaigns.publish import close
from tasks.crowds import MarketAssignment
from tasks.crowds.mturk import marketplace
from tasks.crowds.mturk.batch import judgments_of
from tasks.crowds.mturk.form_data import from_xml
from tasks.market.reconcile import reconcile
from tasks.market.sync import sync
from tasks.models import (
    Assignment,
    Campaign,
    Consent,
    ConsentText,
    PictureReport,
    Place,
    Worker,
)
from tasks.models.opaque import opaque
from tasks.models.refused import Refused
from tasks.simulation.rehearsal.documents import answers_xml
from tasks.simulation.rehearsal.people import form_of
from tasks.simulation.worksheet import consent_form, worksheet
from tasks.work.review import accept
from tasks.work.stops import set_aside
from tests.studies.framed import Frame, first, hand_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["contains", "classify"])
def campaign(request, open_for_mturk):
    campaign = open_for_mturk(request.param, per_hit=12, workers_per_item=3, round_size=3)
    marketplace.offer(campaign)
    return campaign


@pytest.fixture
def contains(open_for_mturk):
    campaign = open_for_mturk(per_hit=12, workers_per_item=3, round_size=3)
    marketplace.offer(campaign)
    return campaign


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


def test_a_worker_who_answered_before_is_asked_to_return_it(contains, market, server):
    frame = Frame(market, server, "A1")
    hand_in(frame, frame.send(frame.open(), first))
    sync(contains)
    again = frame.open(assignmentId="3ANOTHERASSIGNMENT")
    assert again.status_code == 409
    assert "return this work" in again.content.decode()
    assert form_of(again.content.decode()) is None


def test_a_new_assignment_of_a_worker_is_served_before_the_old_one_has_expired(
    contains, market, server
):
    frame = Frame(market, server, "A1")
    frame.open()
    page = frame.open(assignmentId="3ANOTHERASSIGNMENT")
    assert page.status_code == 200
    assert worksheet(page.content.decode()) is not None
    assert dict(Assignment.objects.values_list("key", "state")) == {
        frame.accepted.id: "returned",
        "3ANOTHERASSIGNMENT": "open",
    }


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


def test_the_id_of_a_returned_assignment_is_the_next_workers(contains, market, server):
    first_one = Frame(market, server, "A1")
    page = first_one.open()
    market.give_up(first_one.accepted)
    second = Frame(market, server, "A2")
    assert second.accepted.id == first_one.accepted.id
    hand_in(second, second.send(second.open()))
    assert first_one.send(page, first).status_code == 200  # who returned it, only MTurk knows
    sync(contains)
    assert Assignment.objects.get(worker__external_id="A1").selected
    used = Assignment.objects.get(outcome="accepted")
    assert (used.worker.external_id, used.selected) == ("A2", [])
    assert [paid.worker for paid in market.payments] == ["A2"]


def test_an_answer_that_was_never_handed_in_keeps_nobody_out(contains, market, server):
    first_one = Frame(market, server, "A1")
    first_one.send(first_one.open(), first)  # stored on the site, never handed in
    market.give_up(first_one.accepted)
    second = Frame(market, server, "A2")
    assert second.accepted.id == first_one.accepted.id
    assert second.open().status_code == 200
    assert Assignment.objects.get(worker__external_id="A1").selected
    market.give_up(second.accepted)
    sync(contains)  # nobody is at the HIT
    third = Frame(market, server, "A3")
    assert third.accepted.id == first_one.accepted.id
    hand_in(third, third.send(third.open()))
    sync(contains)
    assert [paid.worker for paid in market.payments] == ["A3"]
    assert Assignment.objects.get(outcome="accepted").worker.external_id == "A3"


@pytest.mark.parametrize("reviewed", [False, True])
def test_who_is_given_the_id_of_one_that_was_handed_in_works_all_the_same(
    contains, market, server, reviewed, monkeypatch
):
    """The marketplace gave an id on although it had told of an answer under it."""
    monkeypatch.setattr("tasks.market.sync._pay", lambda campaign, market, done: None)
    Campaign.objects.update(review_sample=0 if reviewed else 1)
    first_one = Frame(market, server, "A1")
    hand_in(first_one, first_one.send(first_one.open(), first))
    sync(contains)
    first_one.accepted.hit.give_up(first_one.accepted)
    others = [Frame(market, server, name) for name in ("A2", "A3", "A4")]
    assert others[0].accepted.id == first_one.accepted.id
    for other in others[: 2 if reviewed else 3]:
        hand_in(other, other.send(other.open()))
    sync(contains)
    keys = dict(Assignment.objects.values_list("worker__external_id", "key"))
    assert keys["A2"] == first_one.accepted.id != keys["A1"]
    assert Assignment.objects.filter(market_state="submitted", state="submitted").count() == 3


def test_nobody_accepts_what_was_not_handed_in_yet(contains, market, server):
    frame = Frame(market, server, "A1")
    response = frame.send(frame.open(), first)
    with pytest.raises(Refused, match="next sync will say whether it was handed in"):
        accept(Assignment.objects.get(), "a reviewer")
    hand_in(frame, response)
    reconcile(contains, next(iter(marketplace.fetch(contains))))
    accept(Assignment.objects.get(), "a reviewer")
    assert Assignment.objects.get().used


def test_an_answer_is_kept_for_whom_the_marketplace_names(contains, market, server):
    """Somebody opened the page under another's assignment id: MTurk signs nothing."""
    frame = Frame(market, server, "A1")
    page = frame.open()
    assert frame.open(workerId="A9").status_code == 200
    assert frame.send(page, first).status_code == 200
    selected = Assignment.objects.get(worker__external_id="A1").selected
    assert selected
    market.hand_in(frame.accepted.id, [("answer", "")])
    sync(contains)
    used = Assignment.objects.get(outcome="accepted")
    assert (used.worker.external_id, used.key) == ("A1", frame.accepted.id)
    assert (used.used, used.selected) == (True, selected)
    assert [paid.worker for paid in market.payments] == ["A1"]


def test_who_gets_an_id_again_that_was_anothers_meanwhile_is_served(contains, market, server):
    first_one = Frame(market, server, "A1")
    first_one.open()
    market.give_up(first_one.accepted)
    second = Frame(market, server, "A2")
    second.open()
    assert first_one.open().status_code == 200
    market.give_up(second.accepted)
    Assignment.objects.filter(worker__external_id="A2").update(expires_at=timezone.now())
    again = Frame(market, server, "A1")
    assert again.accepted.id == first_one.accepted.id
    hand_in(again, again.send(again.open(), first))
    sync(contains)
    assert Assignment.objects.get(outcome="accepted").worker.external_id == "A1"


def test_an_answer_handed_in_under_another_hits_assignment_is_not_taken_for_it(
    contains, market, server
):
    frame = Frame(market, server, "A1")
    answer = form_of(frame.send(frame.open(), first).content.decode()).fields["answer"]
    other = Frame(market, server, "A2")
    market.hand_in(other.accepted.id, [("answer", answer)])
    sync(contains)
    taken = Assignment.objects.get(worker__external_id="A2")
    assert (taken.outcome, taken.used, taken.selected) == ("accepted", False, [])


def test_an_answer_that_only_mturk_has_is_taken_from_its_form(campaign, market, server):
    frame = Frame(market, server, "A1")
    response = frame.send(frame.open(), first)
    hand_in(frame, response)
    before = Assignment.objects.values("shown", "selected", "answers").get()
    place = Assignment.objects.get().place
    place.holder, place.free_at = None, timezone.now()
    place.save()
    Assignment.objects.all().delete()  # as after a restored backup
    sync(campaign)
    again = Assignment.objects.get()
    assert {name: getattr(again, name) for name in before} == before
    assert again.used
    assert len(market.payments) == 1


def test_what_was_handed_in_without_an_answer_is_paid_and_not_used(contains, market, server):
    frame = Frame(market, server, "A1")
    market.hand_in(frame.accepted.id, [("answer", "{}")])
    sync(contains)
    done = Assignment.objects.get()
    assert (done.outcome, done.used, done.market_state) == ("accepted", False, "approved")
    (hit,) = market.hits.values()
    assert hit.max_assignments == 4
    frame = Frame(market, server, "A2")
    assert frame.open().status_code == 200


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


def test_a_lie_about_who_one_is_does_not_pay(contains, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open(workerId="A9")
    liar = Frame.__new__(Frame)
    liar.__dict__ = frame.__dict__ | {"parameters": frame.parameters | {"workerId": "A9"}}
    hand_in(frame, liar.send(page, first))
    sync(contains)
    assert [paid.worker for paid in market.payments] == ["A1"]
    assert not Assignment.objects.filter(worker__external_id="A9", outcome="accepted").exists()


def test_the_marketplaces_word_counts_whenever_it_comes(contains, market, server):
    frame = Frame(market, server, "A1")
    frame.send(frame.open(), first)
    hit = contains.hits.get()
    for status in ("expired", "submitted", "submitted"):
        reconcile(contains, MarketAssignment(frame.accepted.id, hit.pk, "A1", status))
    assert Assignment.objects.get().market_state == "submitted"


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
