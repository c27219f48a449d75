"""The one open study of a campaign: made once, published once, its places kept right."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import stamina

from tasks.crowds import CrowdError, crowd_of
from tasks.crowds.prolific import market as there
from tasks.crowds.prolific.models import Account, Study
from tasks.crowds.prolific.studies import offer, places_available, unknown, withdraw
from tasks.models.campaign import State
from tests.studies.prolific_stand_in import begun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=4):
        yield


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
    prolific.trouble.next = [""] * call + ["dropped"] * 4
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
