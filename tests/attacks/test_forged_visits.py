"""In the marketplace's frame anybody may say that they are anybody: it locks nobody out (P10, P13).

The one worker to whom the marketplace gave the work is called real, the others forged.
"""

import pytest
from django.test import Client

from tasks.crowds.mturk import marketplace
from tasks.market.sync import sync
from tasks.models import Assignment, Worker
from tasks.simulation.worksheet import worksheet
from tasks.work import take_up
from tests.studies.framed import Frame, first, hand_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(open_for_mturk):
    """One HIT that wants three answers."""
    campaign = open_for_mturk(per_hit=12, workers_per_item=3, round_size=3)
    marketplace.offer(campaign)
    return campaign


class Forger(Frame):
    """Comes to the page of a HIT that the marketplace gave to somebody else."""

    def __init__(self, real: Frame, **changes: str) -> None:
        self.market, self.path = real.market, real.path
        self.parameters = real.parameters | changes

    def answer(self):
        response = self.send(self.open())
        assert response.status_code == 200
        return response


def works(frame: Frame) -> None:
    """The worker gets the form, and their answer is stored and handed in."""
    page = frame.open()
    assert page.status_code == 200
    assert worksheet(page.content.decode()) is not None
    response = frame.send(page, first)
    assert response.status_code == 200
    hand_in(frame, response)


def only_the_real_answer_counts(campaign, market, answers: int = 2) -> None:
    """It alone is used and paid; all `answers` are kept."""
    sync(campaign)
    used = Assignment.objects.get(outcome="accepted")
    assert (used.worker.external_id, used.used, bool(used.selected)) == ("A1", True, True)
    assert [paid.worker for paid in market.payments] == ["A1"]
    assert Assignment.objects.filter(submitted_at__isnull=False).count() == answers


@pytest.mark.parametrize(
    "changes",
    [{"workerId": "A9"}, {"assignmentId": "3FORGED"}, {"workerId": "A9", "assignmentId": "3F"}],
    ids=["in another's name", "in their name", "a stranger"],
)
@pytest.mark.parametrize("when", ["before", "while they look", "before they hand in", "after"])
def test_a_forged_answer_locks_nobody_out(study, market, server, changes, when):
    real = Frame(market, server, "A1")
    forger = Forger(real, **changes)
    if when == "before":
        forger.answer()
    page = real.open()
    assert worksheet(page.content.decode()) is not None
    if when == "while they look":
        forger.answer()
        works(real)  # the page may be loaded again
    else:
        response = real.send(page, first)
        if when == "before they hand in":
            forger.answer()
            response = real.open()
        assert response.status_code == 200
        hand_in(real, response)
    if when == "after":
        forger.answer()
    only_the_real_answer_counts(study, market)


def test_a_look_in_anothers_name_takes_no_answer_away(study, market, server):
    real = Frame(market, server, "A1")
    response = real.send(real.open(), first)
    for changes in ({"workerId": "A9"}, {"assignmentId": "3FORGED"}):
        assert Forger(real, **changes).open().status_code == 200
    hand_in(real, response)
    only_the_real_answer_counts(study, market, answers=1)


def test_the_page_of_another_hit_takes_no_key_away(open_for_mturk, market, server):
    campaign = open_for_mturk(per_hit=6)
    marketplace.offer(campaign)
    hit, other = market.hits.values()
    real = Frame(market, server, "A1", hit=hit)
    Forger(Frame(market, server, "A2", hit=other), **real.parameters).answer()
    works(real)
    only_the_real_answer_counts(campaign, market)


def test_work_given_back_in_anothers_name_is_still_theirs(study, market, server):
    real = Frame(market, server, "A1")
    page = real.open()
    forged = Client().post(real.path, real.parameters | {"return": "1"})
    assert forged.status_code == 200
    assert real.open().status_code == 200
    hand_in(real, real.send(page, first))
    only_the_real_answer_counts(study, market, answers=1)


def test_forged_visits_make_few_workers_and_lose_nobodys_answer(study, market, server, monkeypatch):
    monkeypatch.setattr(take_up, "MOST_UNTOLD", 15)
    real, second = Frame(market, server, "A1"), Frame(market, server, "A2")
    page = real.open()
    for number in range(40):
        forger = Forger(real, workerId=f"AF{number}", assignmentId=f"3F{number}")
        assert forger.open().status_code == 200
    assert Assignment.objects.count() == take_up.MOST_UNTOLD
    assert Worker.objects.count() == take_up.MOST_UNTOLD
    assert not Assignment.objects.filter(worker__external_id="A1").exists()
    assert second.open().status_code == 200
    hand_in(real, real.send(page, first))
    only_the_real_answer_counts(study, market, answers=1)


def test_forged_answers_are_kept_and_make_no_difference(study, market, server, monkeypatch):
    monkeypatch.setattr(take_up, "MOST_UNTOLD", 3)
    real = Frame(market, server, "A1")
    for number in range(4):
        Forger(real, workerId=f"AF{number}", assignmentId=f"3F{number}").answer()
    page = real.open()
    assert worksheet(page.content.decode()) is not None
    assert not Worker.objects.filter(external_id="A1").exists()  # no room until they answer
    hand_in(real, real.send(page, first))
    only_the_real_answer_counts(study, market, answers=5)


def test_forged_answers_do_not_withdraw_the_work(study, market, server):
    real = Frame(market, server, "A1")
    page = real.open()
    for number in range(3):
        Forger(real, workerId=f"AF{number}", assignmentId=f"3F{number}").answer()
    sync(study)
    works(Frame(market, server, "A2"))
    works(Frame(market, server, "A3"))
    hand_in(real, real.send(page, first))
    sync(study)
    study.refresh_from_db()
    assert study.state == "finished"
    used = Assignment.objects.filter(outcome="accepted")
    assert {a.worker.external_id for a in used if a.used} == {"A1", "A2", "A3"}


def test_whoever_is_offered_nothing_becomes_no_worker(study, market, server):
    real = Frame(market, server, "A1")
    study.places.all().delete()
    assert real.open().status_code == 409
    assert not Worker.objects.exists()


@pytest.mark.parametrize("wrong", ["a1", "A 1", "A-1", "A1\n", "Ä1", "A" * 65])
@pytest.mark.parametrize("name", ["workerId", "assignmentId"])
def test_what_no_marketplace_would_call_anybody_makes_nobody(study, market, server, name, wrong):
    real = Frame(market, server, "A1")
    response = real.open(**{name: wrong})
    assert response.status_code == 409
    assert "Open it again from the marketplace" in response.content.decode()
    assert not Worker.objects.exists()
