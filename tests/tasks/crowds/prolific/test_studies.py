"""The one open study of a campaign: made once, published once, its places kept right."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks import money
from tasks.campaigns.publish import close
from tasks.crowds import CrowdError, SessionVisit, crowd_of
from tasks.crowds.prolific import market as there
from tasks.crowds.prolific.client import Client, client
from tasks.crowds.prolific.models import Account, Study
from tasks.crowds.prolific.studies import (
    draft_of,
    may_begin,
    offer,
    places_available,
    unknown,
    withdraw,
)
from tasks.market.sync import sync
from tasks.models import Session, Worker
from tasks.models.campaign import State
from tasks.simulation.rehearsal.prolific.market import NotAllowed
from tasks.simulation.rehearsal.prolific.records import AUTO_APPROVAL, Submission
from tasks.work.beginning import begin
from tasks.work.claiming import conclude, next_assignment
from tasks.work.submitting import submit
from tests.studies.killed_calls import Killed, kill_at
from tests.studies.prolific_stand_in import ATTEMPTS, begun

pytestmark = pytest.mark.django_db


def visit_of(submission: Submission) -> SessionVisit:
    return SessionVisit(submission.id, submission.participant, submission.study.id)


def only(market):
    (study,) = market.studies.values()
    return study


def people(number: int) -> list[str]:
    return [f"{n:024x}" for n in range(1, number + 1)]


def test_a_study_is_made_published_and_offered_once(open_for_prolific, market):
    campaign = open_for_prolific()
    for _ in range(2):
        offer(campaign, 6)
    study = only(market)
    assert (study.status, study.places) == ("ACTIVE", 6)
    assert Decimal(study.reward) / 100 == campaign.session_reward
    assert places_available(campaign) == 6
    assert market.calls["create study"] == market.calls["move study"] == 1
    assert unknown(campaign) == []


def test_its_address_carries_the_three_ids(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 1)
    taken = market.take(only(market), people(1)[0])
    address = market.address_of(taken)
    path, _, query = address.partition("?")
    assert path == f"https://second-look.example/tasks/{campaign.public_id}/"
    assert query == (
        f"PROLIFIC_PID={taken.participant}&STUDY_ID={taken.study.id}&SESSION_ID={taken.id}"
    )


@pytest.mark.parametrize("call", range(1, 12))
def test_an_unclear_answer_makes_no_second_study(open_for_prolific, prolific, market, call):
    campaign = open_for_prolific()
    prolific.trouble.next = [""] * call + ["dropped"] * ATTEMPTS
    for _ in range(8):
        try:
            offer(campaign, 6)
            break
        except CrowdError:
            continue
    prolific.trouble.next = []
    study = only(market)
    assert (study.status, study.places) == ("ACTIVE", 6)
    assert unknown(campaign) == []


def test_the_account_says_currency_fee_and_vat(open_for_prolific, market):
    campaign = open_for_prolific()
    assert crowd_of(campaign).fee(Decimal("1.00"), campaign) > Decimal("0.40")  # the dearest
    there.balance(campaign)
    campaign.refresh_from_db()
    assert campaign.in_currency == market.currency
    offer(campaign, 6)
    study = Study.objects.get()
    reward = int(study.reward * 100)
    told = (market.rates.fee_of(reward), market.rates.vat_of(reward))
    assert (study.fee * 100, study.vat * 100) == told
    crowd = crowd_of(campaign)
    assert crowd.fee(study.reward, campaign) == study.fee
    assert crowd.vat(study.reward, campaign) == study.vat
    for cents in (7, 100, 333, 1999):
        paid = Decimal(cents) / 100
        ours = crowd.fee(paid, campaign) + crowd.vat(paid, campaign)
        theirs = Decimal(market.rates.total(cents) - cents) / 100
        assert theirs <= ours <= theirs + Decimal("0.03")


def test_another_currency_than_the_workspaces_is_an_error(open_for_prolific):
    campaign = open_for_prolific(currency="EUR")
    with pytest.raises(CrowdError, match=r"EUR.*GBP"):
        there.balance(campaign)


def test_a_dearer_draft_is_not_published_before_the_budget_is_reckoned_anew(
    open_for_prolific, market
):
    campaign = open_for_prolific()
    there.balance(campaign)
    Account.objects.update(charges=Decimal("0.01"))
    with pytest.raises(CrowdError, match="more than the"):
        offer(campaign, 6)
    assert only(market).status == "UNPUBLISHED"
    offer(campaign, 4)
    assert (only(market).status, only(market).places) == ("ACTIVE", 4)


def test_more_places_are_added_to_the_same_study(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 2)
    for person in people(2):
        submission = market.take(only(market), person)
        begun(campaign, submission)
    assert only(market).status == "AWAITING REVIEW"
    offer(campaign, 3)
    assert (only(market).status, only(market).places) == ("ACTIVE", 5)
    offer(campaign, 3)
    assert only(market).places == 5


def test_whoever_has_taken_a_place_and_not_begun_is_counted_once(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 2)
    market.take(only(market), people(1)[0])
    offer(campaign, 2)
    assert only(market).places == 2


@pytest.mark.parametrize("pauses_on_return", [False, True])
def test_a_freed_place_is_offered_again(open_for_prolific, market, pauses_on_return):
    market.features = replace(market.features, pauses_on_return=pauses_on_return)
    campaign = open_for_prolific()
    offer(campaign, 1)
    taken = market.take(only(market), people(1)[0])
    begun(campaign, taken)
    market.give_back(taken)
    assert market.open_studies() == []
    offer(campaign, 1)
    assert (only(market).status, only(market).places) == ("ACTIVE", 1)


def test_where_a_full_study_does_not_start_its_places_are_raised(open_for_prolific, market):
    market.features = replace(market.features, starts_when_full=False)
    campaign = open_for_prolific()
    offer(campaign, 1)
    taken = market.take(only(market), people(1)[0])
    begun(campaign, taken)
    market.give_back(taken)
    offer(campaign, 1)
    assert (only(market).status, only(market).places) == ("ACTIVE", 2)


def test_a_study_that_opens_in_no_way_is_replaced_by_another(
    open_for_prolific, market, monkeypatch
):
    market.features = replace(market.features, starts_when_full=False)
    campaign = open_for_prolific()
    offer(campaign, 1)
    taken = market.take(only(market), people(1)[0])
    begun(campaign, taken)
    market.give_back(taken)
    with monkeypatch.context() as patch:  # its places are raised, and it stays as it is
        patch.setattr("tasks.simulation.rehearsal.prolific.study_desk.WAITING", "never")
        offer(campaign, 1)
    old, new = market.studies.values()
    assert (old.status, old.places) == ("AWAITING REVIEW", 2)
    assert (new.status, new.places) == ("ACTIVE", 1)
    for _ in range(2):
        offer(campaign, 1)
    assert len(market.studies) == 2
    assert may_begin(campaign) == 1


def test_a_draft_that_somebody_deleted_is_made_again(open_for_prolific, market):
    campaign = open_for_prolific()
    deleted = draft_of(campaign).market_id
    assert not list(there.fetch(campaign))
    market.studies.clear()
    offer(campaign, 0)
    assert not market.studies
    offer(campaign, 2)
    assert only(market).id != deleted
    assert (only(market).status, only(market).places) == ("ACTIVE", 2)


def test_no_more_people_are_let_in_than_the_budget_carries(open_for_prolific, market):
    market.features = replace(market.features, starts_when_full=False)
    campaign = open_for_prolific()
    offer(campaign, 3, most=3)
    offer(campaign, 1, most=1)  # its places cannot be lowered
    old, new = market.studies.values()
    assert (old.status, new.status, new.places) == ("COMPLETED", "ACTIVE", 1)
    taken = market.take(new, people(1)[0])
    begun(campaign, taken)
    market.give_back(taken)
    offer(campaign, 1, most=1)  # raising its places to reopen it would let in two
    assert [s.status for s in market.studies.values()][1:] == ["COMPLETED", "ACTIVE"]
    assert sum(s.places - s.taken for s in market.open_studies()) == 1


def test_where_no_more_may_be_screened_out_a_new_study_goes_on(open_for_prolific, market):
    market.features = replace(market.features, fixed_screen_out=True, more_slots=False)
    campaign = open_for_prolific()
    offer(campaign, 2)
    study = only(market)
    code = {"action": "FIXED_SCREEN_OUT_PAYMENT", "fixed_screen_out_reward": 10, "slots": 1}
    study.fields["completion_codes"].append(
        {"code": "OUT", "code_type": "FIXED_SCREENOUT", "actor": "researcher", "actions": [code]}
    )
    taken = market.take(study, people(1)[0])
    begun(campaign, taken)
    client().send(
        "POST",
        f"/submissions/{taken.id}/transition/",
        {"action": "COMPLETE", "completion_code": "OUT"},
    )
    assert (taken.status, study.status) == ("SCREENED OUT", "PAUSED")
    offer(campaign, 2)
    old, new = market.studies.values()
    assert (old.status, new.status, new.places) == ("COMPLETED", "ACTIVE", 2)


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 9))
def test_killed_at_any_call_no_more_may_begin_than_the_site_counts_with(
    open_for_prolific, market, monkeypatch, call, after_effect
):
    campaign = open_for_prolific()
    offer(campaign, 1)
    begun(campaign, market.take(only(market), people(1)[0]))
    with monkeypatch.context() as patch, suppress(Killed):
        kill_at(patch, Client, "_once", call, after_effect)
        offer(campaign, 3)
    free = sum(study.places - study.taken for study in market.open_studies())
    assert free <= may_begin(campaign)
    offer(campaign, 3)
    market.take(only(market), people(2)[1])
    list(there.fetch(campaign))
    assert may_begin(campaign) == 3


@pytest.mark.parametrize("stops_to_review", [False, True])
def test_a_closed_study_lets_nobody_in_and_its_people_finish(
    open_for_prolific, market, stops_to_review
):
    market.features = replace(market.features, stops_to_review=stops_to_review)
    campaign = open_for_prolific(continue_for_bonus=False)
    sync(campaign)
    study, (at_work, idle) = only(market), people(2)
    working = market.take(study, at_work)
    unbegun = market.take(study, idle)
    session = begun(campaign, working, answers=1)
    opened = next_assignment(campaign, session.worker)
    close(campaign, "a test")
    assert study.status == ("AWAITING REVIEW" if stops_to_review else "COMPLETED")
    assert market.open_studies() == []
    with pytest.raises(NotAllowed):
        market.take(study, people(3)[2])
    submit(opened, {"selected": []})
    conclude(campaign, Session.objects.get(pk=session.pk))
    market.complete(working, "ANY")
    assert begin(campaign, Worker.of("prolific", idle), visit_of(unbegun)) is None
    market.complete(unbegun, Study.objects.get().codes["no_work"])
    for _ in range(3):
        assert sync(campaign).troubles == []
    assert (working.status, unbegun.return_requested is not None) == ("APPROVED", True)
    assert campaign.assignments.filter(outcome="accepted").count() == 2
    price = money.price_of(campaign, campaign.session_reward)
    assert (money.spent(campaign), money.held(campaign)) == (price, price * 2)
    market.clock.move(AUTO_APPROVAL)  # nobody returns it, and Prolific approves it
    for _ in range(2):
        assert sync(campaign).differences == []
    took = Decimal(sum(payment.total for payment in market.payments)) / 100
    assert money.spent(campaign) == money.held(campaign) == took == price * 2
    assert market.open_studies() == []


def test_pause_resume_and_close_are_pause_start_and_stop(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 2)
    campaign.move_to(State.PAUSED, "a test")
    for _ in range(2):
        withdraw(campaign)
        assert only(market).status == "PAUSED"
    campaign.move_to(State.OPEN, "a test")
    offer(campaign, 2)
    assert only(market).status == "ACTIVE"
    campaign.move_to(State.CLOSED, "a test")
    for _ in range(2):
        withdraw(campaign)
        assert only(market).status == "COMPLETED"


def test_a_study_that_somebody_has_scheduled_there_is_not_published_once_it_is_over(
    open_for_prolific, market
):
    campaign = open_for_prolific()
    draft_of(campaign)
    only(market).status = "SCHEDULED"
    offer(campaign, 2)
    assert only(market).status == "SCHEDULED"
    campaign.move_to(State.CLOSED, "a test")
    for _ in range(2):
        withdraw(campaign)
        assert only(market).status == "UNPUBLISHED"


def test_no_place_wanted_pauses_it(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 2)
    offer(campaign, 0)
    assert only(market).status == "PAUSED"
    assert places_available(campaign) == 0


def test_a_reward_changed_later_is_a_new_study(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 2)
    campaign.session_reward += 1
    offer(campaign, 3)
    old, new = market.studies.values()
    assert (old.status, new.status) == ("COMPLETED", "ACTIVE")
    assert new.reward == old.reward + 100
    taken = market.take(new, people(1)[0])
    market.complete(taken, "ANY")
    assert [s.key for s in there.fetch(campaign)] == [taken.id]


def test_settings_go_to_prolific(open_for_prolific, market):
    filters = [{"filter_id": "age", "selected_range": {"lower": 18, "upper": 60}}]
    campaign = open_for_prolific(
        prolific={
            "project": market.project,
            "filters": filters,
            "device_compatibility": ["desktop"],
            "content_warnings": ["sensitive"],
            "approve": "at_once",
            "partial": "pay",
            "secure_url": False,
        },
        content_warning="Some show wounds.",
    )
    offer(campaign, 2)
    fields = only(market).fields
    assert fields["filters"] == filters
    assert fields["device_compatibility"] == ["desktop"]
    assert fields["content_warning_details"] == "Some show wounds."
    kinds = {
        c["code_type"]: [a["action"] for a in c["actions"]] for c in fields["completion_codes"]
    }
    assert kinds["COMPLETED"] == ["AUTOMATICALLY_APPROVE"]
    others = set(kinds) - {"COMPLETED"}
    assert others == {"NO_CONSENT", "INCOMPATIBLE_DEVICE", "OTHER", "SCREENED_OUT"}
    assert all(kinds[kind] == ["REQUEST_RETURN"] for kind in others)


def test_the_time_for_a_session_suffices_and_is_taken(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 1)
    taken = market.take(only(market), people(1)[0])
    market.clock.move(timedelta(minutes=campaign.session_seconds / 60 * 2))
    market.settle()
    assert taken.status == "ACTIVE"


@pytest.mark.parametrize(("reward", "told"), [("0.20", 2), ("0.19", 1)])
def test_the_time_is_rounded_up_unless_the_pay_would_be_under_the_least(
    open_for_prolific, market, reward, told
):
    campaign = open_for_prolific(currency="GBP")
    campaign.session_seconds, campaign.session_reward = 65, Decimal(reward)
    offer(campaign, 1)
    (study,) = market.studies.values()
    assert (study.status, study.fields["estimated_completion_time"]) == ("ACTIVE", told)


def test_a_wage_under_the_least_is_refused_before_publishing(open_for_prolific):
    campaign = open_for_prolific(currency="GBP", wage=Decimal("5.99"))
    (missing,) = crowd_of(campaign).missing(campaign)
    assert "its wage of £5.99 is under Prolific's least of £6.00 an hour" in missing
