"""The practice of whoever does not pass it: by fixed pay where a workspace has it, else a bonus."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from imagesets.clock import Now
from tasks.campaigns.publish import publish
from tasks.crowds import SessionVisit
from tasks.crowds.prolific import market as there
from tasks.crowds.prolific.account import may_screen_out
from tasks.crowds.prolific.client import Client
from tasks.crowds.prolific.models import Account, Study
from tasks.crowds.prolific.studies import offer
from tasks.market.session_pay import differences
from tasks.market.sync import sync
from tasks.models import Session, Worker
from tasks.work.beginning import begin
from tasks.work.practice import next_try, submit_try
from tests.studies.killed_calls import Killed
from tests.studies.practised import draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def has_fixed_pay(market):
    market.features = replace(market.features, fixed_screen_out=True)


@pytest.fixture
def campaign(prolific):
    campaign = draft(crowd="prolific", session_minutes=2, budget=Decimal(50), grid_size=4)
    publish(campaign, "a test")
    campaign.refresh_from_db()
    return campaign


def fails(campaign, market, person: int, tries: int = 2):
    """Somebody comes, and does not pass; their submission there."""
    study = list(market.studies.values())[-1]
    submission = market.take(study, f"{person:024x}")
    worker = Worker.of("prolific", submission.participant)
    begin(campaign, worker, SessionVisit(submission.id, submission.participant, study.id))
    for _ in range(tries):
        attempt = next_try(campaign, worker)
        wrong = attempt.hit.items.filter(present=False).values_list("position", flat=True)
        assert submit_try(attempt, {"selected": list(wrong)}) == "stored"
    return submission


def goes_back(market, submission):
    """Back to Prolific, with the code that the site shows."""
    code = code_of(submission, "screened_out")
    market.complete(submission, code)
    return submission


def code_of(submission, outcome):
    return Study.objects.get(market_id=submission.study.id).codes[outcome]


def agree(campaign, market) -> None:
    """Both ledgers agree to the cent, fees and all, and nothing is due any more."""
    assert differences(campaign, there) == []
    assert not campaign.payments.filter(state="due").exists()
    took = Decimal(sum(payment.total for payment in market.payments)) / 100
    assert took == sum(campaign.payments.values_list("amount", flat=True))


def kinds(market, submission):
    return [payment.kind for payment in market.payments if payment.submission == submission.id]


def test_a_workspace_with_fixed_pay_screens_them_out_and_pays_once(has_fixed_pay, campaign, market):
    submission = fails(campaign, market, 1)
    sync(campaign)
    assert market.payments == []  # the end of their session pays it
    goes_back(market, submission)
    assert (submission.status, submission.return_requested) == ("AWAITING REVIEW", None)
    for _ in range(2):
        assert sync(campaign).troubles == []
    assert (submission.status, submission.return_requested) == ("SCREENED OUT", None)
    assert kinds(market, submission) == ["reward"]
    assert submission.paid == sum(campaign.practice_hits.values_list("reward", flat=True)) * 100
    agree(campaign, market)


def test_one_without_it_asks_for_a_return_pays_a_bonus_and_is_asked_once(campaign, market):
    submission = goes_back(market, fails(campaign, market, 1))
    assert submission.return_requested
    sync(campaign)
    sync(campaign)
    assert kinds(market, submission) == ["bonus", "bonus"]
    agree(campaign, market)
    assert market.calls["create study"] == 2
    campaign.session_reward += 1
    offer(campaign, 1)
    assert market.calls["create study"] == 3
    assert not may_screen_out(Account(workspace=market.workspace))
    Account.objects.update(screen_outs_refused_at=Now() - timedelta(days=31))
    assert may_screen_out(Account(workspace=market.workspace))


def test_an_answer_that_is_lost_pays_it_neither_twice_nor_never(
    has_fixed_pay, campaign, market, monkeypatch
):
    submission = goes_back(market, fails(campaign, market, 1))
    send = Client.send

    def dies(self, method, path, body=None):
        answer = send(self, method, path, body)
        if body and body.get("action") == "COMPLETE":
            raise Killed
        return answer

    monkeypatch.setattr(Client, "send", dies)
    with pytest.raises(Killed):
        sync(campaign)
    monkeypatch.setattr(Client, "send", send)
    sync(campaign)
    assert kinds(market, submission) == ["reward"]
    agree(campaign, market)


def test_whoever_was_paid_a_try_in_another_session_is_paid_the_rest_by_a_bonus(
    has_fixed_pay, campaign, market
):
    submission = fails(campaign, market, 1)
    session = Session.objects.get(key=submission.id)
    earlier = session.payments.filter(kind="practice").order_by("pk").first()
    session.payments.filter(request_key__endswith=earlier.request_key).delete()
    goes_back(market, submission)
    sync(campaign)
    sync(campaign)
    assert submission.status == "AWAITING REVIEW"
    assert submission.return_requested
    assert kinds(market, submission) == ["bonus"]


def test_the_code_that_pays_is_the_sites_alone(has_fixed_pay, campaign, market):
    submission = fails(campaign, market, 1, tries=1)
    market.complete(submission, code_of(submission, "screen_out"))
    assert submission.status == "AWAITING REVIEW"
    assert market.payments == []


def test_when_its_slots_are_used_the_study_gets_more(has_fixed_pay, campaign, market):
    (study,) = market.studies.values()
    code = next(c for c in study.fields["completion_codes"] if c["actor"] == "researcher")
    code["actions"][0]["slots"] = 1
    goes_back(market, fails(campaign, market, 1))
    second = fails(campaign, market, 2)
    sync(campaign)
    assert study.status == "ACTIVE"
    assert code["actions"][0]["slots"] > 1
    goes_back(market, second)
    sync(campaign)
    assert second.status == "SCREENED OUT"
    assert study.places - study.taken > 0
    agree(campaign, market)


def test_whom_prolific_no_longer_lets_the_site_screen_out_is_asked_back_and_paid_a_bonus(
    has_fixed_pay, campaign, market
):
    market.features = replace(market.features, completes_in_review=False)
    submission = goes_back(market, fails(campaign, market, 1))
    for _ in range(2):
        assert sync(campaign).troubles == []
    assert (submission.status, bool(submission.return_requested)) == ("AWAITING REVIEW", True)
    assert kinds(market, submission) == ["bonus", "bonus"]
    agree(campaign, market)


def test_where_it_gives_no_more_slots_a_new_study_goes_on_and_the_rest_are_paid_a_bonus(
    has_fixed_pay, campaign, market
):
    market.features = replace(market.features, more_slots=False)
    (study,) = market.studies.values()
    code = next(c for c in study.fields["completion_codes"] if c["actor"] == "researcher")
    code["actions"][0]["slots"] = 1
    second = fails(campaign, market, 2)
    goes_back(market, fails(campaign, market, 1))
    sync(campaign)
    assert [s.status for s in market.studies.values()] == ["COMPLETED", "ACTIVE"]
    goes_back(market, second)
    third = goes_back(market, fails(campaign, market, 3))
    for _ in range(2):
        assert sync(campaign).troubles == []
    assert (second.status, kinds(market, second)) == ("AWAITING REVIEW", ["bonus", "bonus"])
    assert third.status == "SCREENED OUT"
    agree(campaign, market)
