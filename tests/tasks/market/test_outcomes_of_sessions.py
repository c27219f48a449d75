"""How a session ends there and here: what is accepted, asked back, used and paid (S6)."""

from datetime import timedelta

import pytest
from django.db.models import F

from tasks import money
from tasks.crowds import SessionVisit, crowd_named
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Payment, Place, Session
from tasks.work import review
from tasks.work.beginning import begin
from tasks.work.sessions import end
from tests.studies.bazaar_people import Person, in_step


def time_passes(hours: int) -> None:
    """All answers were given that much earlier."""
    Assignment.objects.update(
        **{
            name: F(name) - timedelta(hours=hours)
            for name in ("opened_at", "submitted_at", "expires_at")
        }
    )


def test_a_session_is_accepted_and_paid_once_the_marketplace_approves_it(campaign, bazaar, ada):
    ada.answer(2)
    assert not ada.answers.exclude(outcome="").exists()
    ada.answer(1, goes_on=True).finish()
    in_step(campaign, bazaar)
    assert {answer.outcome for answer in ada.answers} == {"accepted"}
    assert all(answer.used for answer in ada.answers)
    assert ada.session.market_state == "approved"
    assert bazaar.paid == {("base", ada.key): campaign.session_reward}
    extra = ada.answers.get(is_extra=True).hit.reward
    assert [amount for _, amount in bazaar.bonuses.values()] == [extra]
    assert {payment.kind for payment in Payment.objects.all()} == {"base", "bonus", "fee", "vat"}
    before = bazaar.spent
    in_step(campaign, bazaar)
    assert bazaar.spent == before


def test_the_finished_part_of_a_session_that_is_returned_is_paid_and_used(campaign, bazaar, ada):
    ada.answer()
    bazaar.stalls[ada.key].status = "returned"
    in_step(campaign, bazaar)
    (answer,) = ada.answers
    assert answer.used
    assert bazaar.spent == answer.hit.reward
    assert ada.session.outcome == "left"


def test_or_it_is_set_free_where_the_campaign_discards_it(campaign, bazaar, ada):
    crowd_named("bazaar").parts = False
    free = Place.objects.filter(holder=None).count()
    ada.answer()
    bazaar.stalls[ada.key].status = "returned"
    in_step(campaign, bazaar)
    assert not ada.answers.get().used
    assert Place.objects.filter(holder=None).count() == free
    assert bazaar.spent == 0


def test_whoever_has_done_it_and_returns_it_is_paid_by_a_bonus(campaign, bazaar, ada):
    ada.answer(2).finish()
    bazaar.stalls[ada.key].status = "returned"
    in_step(campaign, bazaar)
    worth = sum(answer.hit.reward for answer in ada.answers)
    assert bazaar.spent == min(worth, campaign.session_reward) > 0
    assert bazaar.paid == {}


def test_whoever_has_timed_out_may_still_hand_in_for_a_while(campaign, bazaar, ada):
    ada.answer()
    bazaar.stalls[ada.key].status = "timed_out"
    in_step(campaign, bazaar)
    assert ada.session.is_running
    ada.answer().finish()
    in_step(campaign, bazaar)
    assert bazaar.paid == {("base", ada.key): campaign.session_reward}


def test_after_that_their_part_is_paid_and_a_late_hand_in_is_asked_back(campaign, bazaar, ada):
    ada.answer()
    bazaar.stalls[ada.key].status = "timed_out"
    in_step(campaign, bazaar)
    Session.objects.update(kept_until="2020-01-01T00:00Z")
    in_step(campaign, bazaar)
    assert bazaar.spent == ada.answers.get().hit.reward
    ada.hand_in()
    in_step(campaign, bazaar)
    assert "not finished" in bazaar.stalls[ada.key].asked_back
    assert bazaar.paid == {}


def test_a_code_alone_proves_nothing(campaign, bazaar, ada):
    ada.answer().hand_in()
    eve = Person(campaign, bazaar, "eve").hand_in()  # has never begun here
    in_step(campaign, bazaar)
    assert "not finished" in bazaar.stalls[ada.key].asked_back
    assert "not begun" in bazaar.stalls[eve.key].asked_back
    assert ada.answers.get().used
    assert bazaar.spent == 0
    for stall in bazaar.stalls.values():
        stall.asked_back = ""
    in_step(campaign, bazaar)
    assert {stall.asked_back for stall in bazaar.stalls.values()} == {""}  # once is enough
    for stall in bazaar.stalls.values():
        stall.status = "returned"
    in_step(campaign, bazaar)
    assert bazaar.spent == ada.answers.get().hit.reward


def test_whoever_ignores_the_request_is_paid_the_session_and_no_part(campaign, bazaar, ada):
    ada.answer().hand_in()
    in_step(campaign, bazaar)
    assert (
        "Once you have returned it, what you finished is paid" in bazaar.stalls[ada.key].asked_back
    )
    assert money.held(campaign) == money.price_of(campaign, ada.session.reward)
    bazaar.approve_what_waits(campaign)
    for _ in range(2):
        in_step(campaign, bazaar)
    assert bazaar.bonuses == {}
    assert bazaar.paid == {("base", ada.key): ada.session.reward}
    assert money.held(campaign) == money.spent(campaign)


def test_who_is_paid_for_no_part_is_not_told_so(campaign, bazaar, ada):
    crowd_named("bazaar").parts = False
    ada.answer().hand_in()
    in_step(campaign, bazaar)
    assert bazaar.stalls[ada.key].asked_back == "The work was not finished."


def test_what_was_accepted_of_a_session_is_paid_though_somebody_rejects_it_there(
    campaign, bazaar, ada
):
    ada.answer().hand_in()
    in_step(campaign, bazaar)
    bazaar.stalls[ada.key].status = "rejected"
    in_step(campaign, bazaar)
    assert ada.answers.get().used
    assert bazaar.spent == ada.answers.get().hit.reward


def test_a_full_session_that_was_handed_in_is_done_whoever_pressed_finish(campaign, bazaar, ada):
    ada.answer(2).hand_in()
    in_step(campaign, bazaar)
    assert bazaar.paid == {("base", ada.key): campaign.session_reward}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("no_consent", "did not agree"), ("no_work", "no work left"), ("device", "device")],
)
def test_whoever_did_nothing_is_asked_to_return_it(campaign, bazaar, ada, outcome, words):
    end(ada.session, outcome, "a test")
    ada.hand_in()
    in_step(campaign, bazaar)
    assert words in bazaar.stalls[ada.key].asked_back
    assert bazaar.spent == 0


@pytest.mark.parametrize("decides", [review.accept, review.reject])
def test_an_answer_kept_for_a_person_keeps_its_session_until_they_have_decided(
    campaign, bazaar, ada, decides
):
    Campaign.objects.update(review_sample=1, rejection=True)
    ada.answer(2)
    kept = ada.answers.get(for_person=True)
    in_step(campaign, bazaar)
    assert not review.to_review(campaign).exists()  # it may still be returned
    ada.finish()
    in_step(campaign, bazaar)
    assert bazaar.stalls[ada.key].status == "submitted"
    assert list(review.to_review(campaign)) == [kept]
    assert review.kept_for_a_person([campaign.pk]) == {campaign.pk: 1}
    given = {review.reject: {"feedback": "Nothing was looked at."}}.get(decides, {})
    decides(kept, who="ada", **given)
    in_step(campaign, bazaar)
    assert bazaar.stalls[ada.key].status == "approved"
    assert bazaar.spent == ada.session.reward  # sessions are paid as a whole
    kept.refresh_from_db()
    assert kept.used == (decides is review.accept)


def test_a_rejected_session_is_not_paid_and_frees_its_places(campaign, bazaar, ada):
    free = Place.objects.filter(holder=None).count()
    ada.answer(2).finish()
    bazaar.stalls[ada.key].status = "rejected"
    in_step(campaign, bazaar)
    assert {answer.outcome for answer in ada.answers} == {"rejected"}
    assert Place.objects.filter(holder=None).count() == free


def test_a_test_session_is_never_used_counted_or_paid(campaign, bazaar):
    places = Place.objects.filter(holder=None).count()
    tester = Person(campaign, bazaar, "tester")
    begin(campaign, tester.worker, SessionVisit(tester.key, "tester", is_test=True))
    tester.answer(2).answer(1, goes_on=True).finish()
    in_step(campaign, bazaar)
    assert not any(answer.used for answer in tester.answers)
    assert Place.objects.filter(holder=None).count() == places
    assert bazaar.spent == 0
    assert not Payment.objects.exists()


def test_answers_wait_for_their_session_however_long_it_takes(campaign, bazaar):
    """They were once taken for never handed in, 20 minutes after their time: unused and unpaid."""
    campaign.review_sample = 1  # the first answer waits for a person
    campaign.save()
    ada = Person(campaign, bazaar, "ada").begin().answer()
    time_passes(3)
    sync(campaign)
    assert ada.session.is_running
    ada.answer().finish()
    time_passes(3)
    sync(campaign)
    assert [answer.state for answer in ada.answers] == ["submitted"] * 2
    waiting = ada.answers.get(for_person=True)
    review.accept(waiting, who="a person")
    sync(campaign)
    assert [answer.outcome for answer in ada.answers] == ["accepted"] * 2
    assert [paid.amount for paid in ada.session.payments.filter(kind="base", state="paid")] == [
        ada.session.reward
    ]
