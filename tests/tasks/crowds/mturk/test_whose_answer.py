"""Whose an answer is: MTurk gives an assignment's id on, and signs no address."""

import pytest
from django.utils import timezone

from tasks.market.sync import sync
from tasks.models import Assignment, Campaign
from tasks.simulation.rehearsal.people import form_of
from tasks.simulation.worksheet import worksheet
from tests.studies.framed import Frame, first, hand_in

pytestmark = pytest.mark.django_db(transaction=True)


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
    monkeypatch.setattr("tasks.market.paying.pay", lambda campaign, market, done: None)
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


def test_a_lie_about_who_one_is_does_not_pay(contains, market, server):
    frame = Frame(market, server, "A1")
    page = frame.open(workerId="A9")
    liar = Frame.__new__(Frame)
    liar.__dict__ = frame.__dict__ | {"parameters": frame.parameters | {"workerId": "A9"}}
    hand_in(frame, liar.send(page, first))
    sync(contains)
    assert [paid.worker for paid in market.payments] == ["A1"]
    assert not Assignment.objects.filter(worker__external_id="A9", outcome="accepted").exists()
