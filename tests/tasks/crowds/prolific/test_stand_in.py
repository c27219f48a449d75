"""The stand-in for Prolific: what it takes, what it answers, and how its studies fare."""

from datetime import timedelta

import httpx2
import pytest

from tasks.crowds.prolific.client import RequestRefused
from tasks.simulation.rehearsal.prolific.errors import NotAllowed
from tasks.simulation.rehearsal.prolific.market import Features
from tests.studies.prolific_stand_in import STUDY, TOKEN, published

ADA, BOB, CEM = ("a" * 24, "b" * 24, "c" * 24)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"reward": "250"}, "reward"),
        ({"rewards": 250}, "rewards"),
        ({"total_available_places": 0}, "total_available_places"),
        ({"completion_codes": []}, "completion_codes"),
        ({"maximum_allowed_time": 20}, "maximum_allowed_time"),
    ],
)
def test_a_body_that_is_not_valid_is_refused_in_prolifics_form(prolific, change, named):
    answer = httpx2.post(
        f"{prolific.address}/api/v1/studies/",
        json={**STUDY, **change},
        headers={"Authorization": f"Token {TOKEN}"},
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["status"] == 400
    assert named in error["detail"]
    assert not prolific.market.studies


def test_an_answer_that_is_not_valid_is_noted(prolific, market, api, monkeypatch):
    monkeypatch.setattr(market, "currency", "pounds")
    with pytest.raises(Exception, match="gave no answer"):
        api.send("GET", f"/workspaces/{market.workspace}/balance/")
    assert "currency_code" in market.broken.pop()


def test_a_token_is_needed(prolific):
    for headers in ({}, {"Authorization": "Token other"}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = httpx2.get(f"{prolific.address}/api/v1/studies/", headers=headers)
        assert answer.status_code == 401


def test_a_study_goes_from_draft_to_completed(market, api):
    study = published(market, api)
    assert market.available == 1_000_000 - 2 * market.rates.total(250)
    first, second = market.take(study, ADA), market.take(study, BOB)
    assert study.status == "AWAITING REVIEW"
    market.complete(first, "DONE1")
    market.complete(second, "OTHER")
    api.send("POST", "/submissions/bulk-approve/", {"submission_ids": [first.id, second.id]})
    market.settle()
    assert study.status == "COMPLETED"
    assert [p.amount for p in market.payments] == [250, 250]
    assert market.available == 1_000_000 - market.spent
    api.send("PATCH", f"/studies/{study.id}/", {"total_available_places": 3})
    assert study.status == "ACTIVE"


def test_freed_places_are_offered_again_only_while_it_is_active(market, api):
    study = published(market, api)
    first = market.take(study, ADA)
    market.give_back(first)
    market.take(study, BOB)
    second = market.take(study, CEM)
    market.give_back(second)
    with pytest.raises(NotAllowed):
        market.take(study, "d" * 24)
    api.send("POST", f"/studies/{study.id}/transition/", {"action": "START"})
    market.take(study, "d" * 24)
    market.features = Features(starts_when_full=False)
    with pytest.raises(RequestRefused, match="START is not possible"):
        api.send("POST", f"/studies/{study.id}/transition/", {"action": "START"})


def test_who_times_out_can_finish_while_nobody_has_taken_the_place(market, api):
    study = published(market, api, total_available_places=1)
    late = market.take(study, ADA)
    market.clock.move(timedelta(hours=2))
    assert api.read(f"/submissions/{late.id}/")["status"] == "TIMED-OUT"
    market.complete(late, "DONE1")
    assert api.read(f"/submissions/{late.id}/")["status"] == "AWAITING REVIEW"
    market.clock.move(timedelta(days=22))
    assert api.read(f"/submissions/{late.id}/")["status"] == "APPROVED"


def test_after_publishing_only_places_can_be_raised(market, api):
    study = published(market, api)
    for change in ({"reward": 300}, {"total_available_places": 1}):
        with pytest.raises(RequestRefused, match=next(iter(change))):
            api.send("PATCH", f"/studies/{study.id}/", change)


def test_each_pay_of_a_bonus_pays_again(market, api):
    study = published(market, api)
    done = market.take(study, ADA)
    made = api.send(
        "POST",
        "/submissions/bonus-payments/",
        {"study_id": study.id, "csv_bonuses": f"{done.id},4.25"},
    )
    assert (made["amount"], made["total_amount"]) == (425, market.rates.total(425))
    for _ in range(2):
        api.send("POST", f"/bulk-bonus-payments/{made['id']}/pay/")
    assert api.read(f"/submissions/{done.id}/")["bonus_payments"] == [425, 425]


def test_a_rejection_needs_a_category_and_a_long_message(market, api):
    study = published(market, api)
    done = market.take(study, ADA)
    market.complete(done, "DONE1")
    reject = {"action": "REJECT", "rejection_category": "LOW_EFFORT", "message": "x" * 99}
    with pytest.raises(RequestRefused):
        api.send("POST", f"/submissions/{done.id}/transition/", reject)
    for _ in range(2):
        api.send("POST", f"/submissions/{done.id}/transition/", reject | {"message": "x" * 100})
    assert (done.status, market.payments) == ("REJECTED", [])
    market.take(study, BOB)
    market.take(study, CEM)  # a rejection frees its place


def test_the_wallet_is_never_overdrawn(market, api):
    with pytest.raises(RequestRefused, match="Not enough balance"):
        published(market, api, total_available_places=4000)
    assert next(iter(market.studies.values())).status == "UNPUBLISHED"
