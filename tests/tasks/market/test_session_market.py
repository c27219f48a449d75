"""A marketplace of sessions and the site: what is offered, accepted, asked back and paid (S6)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from tasks import money
from tasks.crowds import CrowdError, SessionVisit, crowd_named
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Payment, Place, Session, Worker
from tasks.models.session import SessionOutcome
from tasks.money.settling import accounts_of, leave, settle
from tasks.work import review
from tasks.work.beginning import begin
from tasks.work.claiming import conclude, next_assignment
from tasks.work.sessions import end
from tasks.work.submitting import submit
from tests.factories import answer_no, make_campaign
from tests.studies.bazaar import Bazaar, open_bazaar


@pytest.fixture
def bazaar(monkeypatch) -> Bazaar:
    return open_bazaar(monkeypatch)


def time_passes(hours: int) -> None:
    """All answers were given that much earlier."""
    Assignment.objects.update(
        **{
            name: F(name) - timedelta(hours=hours)
            for name in ("opened_at", "submitted_at", "expires_at")
        }
    )


@pytest.fixture
def campaign(dataset, bazaar) -> Campaign:
    """Sessions of two HITs, in rounds of two answers."""
    return make_campaign(
        dataset,
        crowd="bazaar",
        grid_size=12,
        workers_per_item=4,
        session_minutes=1,
        max_share_per_worker=1,
        budget=Decimal(100),
    )


class Person:
    """Somebody who comes from the bazaar."""

    def __init__(self, campaign: Campaign, bazaar: Bazaar, name: str) -> None:
        self.campaign, self.bazaar = campaign, bazaar
        self.worker = Worker.of("bazaar", name)
        self.key = bazaar.take(name)

    def begin(self) -> "Person":
        begin(self.campaign, self.worker, SessionVisit(self.key, self.worker.external_id, "study"))
        return self

    def answer(self, number: int = 1, goes_on: bool = False) -> "Person":
        for _ in range(number):
            assignment = next_assignment(self.campaign, self.worker, goes_on)
            submit(assignment, answer_no(assignment))
        return self

    def finish(self) -> "Person":
        end(self.session, SessionOutcome.DONE, "a test")
        return self.hand_in()

    def hand_in(self) -> "Person":
        self.bazaar.stalls[self.key].status = "submitted"
        return self

    @property
    def session(self) -> Session:
        return Session.objects.get(key=self.key)

    @property
    def answers(self):
        return Assignment.objects.filter(session__key=self.key, submitted_at__isnull=False)


@pytest.fixture
def ada(campaign, bazaar) -> Person:
    return Person(campaign, bazaar, "ada").begin()


def in_step(campaign: Campaign, bazaar: Bazaar) -> None:
    """Sync, and check that both sides agree to the cent and that the budget holds."""
    done = sync(campaign)
    assert done.troubles == []
    assert done.differences == []
    assert money.spent(campaign) <= money.committed(campaign) <= campaign.budget
    people = Payment.objects.exclude(kind__in=["fee", "vat"])
    assert sum(people.values_list("amount", flat=True), Decimal(0)) == bazaar.spent


def test_as_many_sessions_are_offered_as_the_open_places_need(campaign, bazaar):
    places = Place.objects.filter(campaign=campaign).count()
    assert campaign.session_hits == 2
    assert bazaar.places == -(-places // 2)
    ada = Person(campaign, bazaar, "ada").begin()
    sync(campaign)
    assert bazaar.places == -(-(places - 2) // 2)
    ada.answer()
    sync(campaign)
    assert bazaar.places == -(-(places - 2) // 2)
    bazaar.stalls[ada.key].status = "returned"
    sync(campaign)
    assert bazaar.places == -(-(places - 1) // 2)


def test_a_hit_that_is_worked_on_beyond_a_session_asks_for_nobody_else(campaign, bazaar):
    places = Place.objects.filter(campaign=campaign).count()
    for name in ("ada", "bob"):
        person = Person(campaign, bazaar, name).begin().answer(2)
        assert next_assignment(campaign, person.worker, goes_on=True).is_extra
    sync(campaign)
    assert bazaar.places == -(-(places - 6) // 2)


def test_no_more_are_offered_than_the_budget_carries(campaign, bazaar):
    price = money.cost_of_sessions(campaign, 1).total
    Campaign.objects.update(budget=price * 3 - Decimal("0.01"))
    sync(campaign)
    assert bazaar.places == 2
    Person(campaign, bazaar, "ada").begin()
    sync(campaign)
    assert bazaar.places == 1


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
    assert 0 < bazaar.spent <= campaign.session_reward
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


def test_the_budget_holds_what_the_marketplace_may_yet_pay(campaign, bazaar):
    price = money.price_of(campaign, campaign.session_reward)
    Campaign.objects.update(budget=price * 3)

    def offered_after_a_sync() -> int:
        assert sync(campaign).differences == []
        promised = money.held(campaign) + price * bazaar.may_begin(campaign)
        assert promised <= campaign.budget
        return bazaar.places

    assert offered_after_a_sync() == 3
    people = [Person(campaign, bazaar, name) for name in ("ada", "bob", "eve")]
    end(people[0].begin().session, SessionOutcome.NO_CONSENT, "a test")
    end(people[1].begin().session, SessionOutcome.DEVICE, "a test")
    Session.objects.update(kept_until="2020-01-01T00:00Z")
    assert offered_after_a_sync() == 0
    for person in people:  # eve with a code, without having begun
        person.hand_in()
    assert offered_after_a_sync() == 0
    assert campaign.state == "open"  # it waits for what may come back
    bazaar.stalls[people[0].key].status = "returned"
    assert offered_after_a_sync() == 1
    bazaar.approve_what_waits(campaign)
    assert offered_after_a_sync() == 1
    assert money.spent(campaign) == price * 2


def test_a_bonus_takes_no_money_from_those_who_may_begin(campaign, bazaar):
    price = money.price_of(campaign, campaign.session_reward)
    Campaign.objects.update(budget=price * 2)
    sync(campaign)
    ada = Person(campaign, bazaar, "ada").begin().answer(2)
    assert bazaar.places == 1
    assert next_assignment(campaign, ada.worker, goes_on=True) is None
    bazaar.places = 0
    assert next_assignment(campaign, ada.worker, goes_on=True) is not None


def test_whoever_comes_back_is_promised_no_more_than_is_held_for_them(campaign, bazaar):
    Campaign.objects.update(budget=money.price_of(campaign, campaign.session_reward))
    sync(campaign)
    ada = Person(campaign, bazaar, "ada").begin()
    end(ada.session, SessionOutcome.NO_CONSENT, "a test")
    assert ada.begin().session.is_running


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


def test_nobody_is_paid_twice_by_calls_that_take_effect_and_fail(campaign, bazaar):
    people = [Person(campaign, bazaar, name).begin() for name in ("ada", "bob", "eve")]
    people[0].answer(2).answer(1, goes_on=True).finish()
    people[1].answer(2).finish()
    people[2].answer(1)
    bazaar.stalls[people[2].key].status = "returned"
    for _ in range(4):
        bazaar.failing = True
        with pytest.raises(Exception, match="dropped"):
            sync(campaign)
        bazaar.failing = False
    in_step(campaign, bazaar)
    assert len(bazaar.paid) == 2
    assert len(bazaar.bonuses) == 2


def test_the_next_rounds_sessions_are_offered_in_their_turn(campaign, bazaar):
    number = 0
    while campaign.state == "open" and number < 40:
        if not bazaar.places:
            in_step(campaign, bazaar)
        if not bazaar.places:
            break
        person = Person(campaign, bazaar, f"person-{number}").begin()
        number += 1
        while next_assignment(campaign, person.worker):
            person.answer()
        session = conclude(campaign, person.session)
        if session.is_running:
            person.finish()
        else:
            person.hand_in()
        in_step(campaign, bazaar)
    assert campaign.state == "finished"
    used = Assignment.objects.filter(campaign=campaign, outcome="accepted", set_aside=False)
    assert used.count() == campaign.workers_per_item * campaign.hits.count()


def test_what_the_marketplace_does_while_a_sync_runs_is_no_difference(
    campaign, bazaar, ada, monkeypatch
):
    ada.answer(2).answer(1, goes_on=True).finish()
    books = bazaar.ledger

    def busy(campaign):
        bazaar.stalls[ada.key].status = "approved"
        bazaar.paid["base", ada.key] = ada.session.reward
        return books(campaign)

    monkeypatch.setattr(bazaar, "ledger", busy)
    bazaar.stalls[ada.key].status = "active"
    assert sync(campaign).differences == []
    monkeypatch.setattr(bazaar, "ledger", books)
    monkeypatch.setattr(bazaar, "pay_bonuses", lambda campaign, payments: [])
    bazaar.bonuses["on its way"] = ada.key, ada.answers.get(is_extra=True).hit.reward
    assert sync(campaign).differences == []
    bazaar.bonuses["one too many"] = ada.key, Decimal("0.01")
    (told,) = sync(campaign).differences
    assert "bonuses of session stall-0" in told


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


def test_a_bonus_that_cannot_be_paid_does_not_hold_up_the_study(campaign, bazaar, ada, monkeypatch):
    def refuse(campaign, payments):
        raise CrowdError("no bonus for this one")

    monkeypatch.setattr(bazaar, "pay_bonuses", refuse)
    ada.answer(2).answer(1, goes_on=True).finish()
    bazaar.places = 0
    assert sync(campaign).troubles == ["no bonus for this one"]
    assert bazaar.places > 0


def test_a_part_that_the_marketplace_does_not_pay_is_set_free(campaign, bazaar, ada):
    ada.answer(1)
    bazaar.stalls[ada.key].status = "returned"
    bazaar.pays_no_bonus = ("returned",)
    free = Place.objects.filter(campaign=campaign, holder=None)
    before = free.count()
    in_step(campaign, bazaar)
    assert [answer.used for answer in ada.answers] == [False]
    assert free.count() == before + 1
    assert not Payment.objects.exists()
    in_step(campaign, bazaar)
    assert not Payment.objects.exists()


def test_other_pay_that_the_marketplace_refuses_waits_for_a_person(campaign, bazaar, ada):
    ada.answer(2).answer(1, goes_on=True).finish()
    bazaar.pays_no_bonus = ("submitted", "approved")
    (told,) = sync(campaign).troubles
    assert "refuses $" in told
    (account,) = accounts_of(campaign)
    extra = ada.answers.get(is_extra=True)
    assert (account.owed, account.by_hand) == (extra.hit.reward, extra.hit.reward)
    assert extra.used
    assert leave(campaign, {ada.worker.pk: account.newest}, "boss") == {
        ada.worker.pk: extra.hit.reward
    }
    assert leave(campaign, {ada.worker.pk: account.newest}, "boss") == {}
    bazaar.pays_no_bonus = ()
    assert sync(campaign).differences == []
    assert bazaar.bonuses == {}  # somebody has decided
    settle(campaign, {ada.worker.pk: account.newest}, "boss")
    assert sync(campaign).differences == []
    assert accounts_of(campaign)[0].owed == 0


def test_pay_that_was_refused_once_is_paid_where_the_marketplace_takes_it_later(
    campaign, bazaar, ada
):
    ada.answer(2).answer(1, goes_on=True).finish()
    bazaar.pays_no_bonus = ("submitted", "approved")
    sync(campaign)
    bazaar.pays_no_bonus = ()
    in_step(campaign, bazaar)
    assert accounts_of(campaign)[0].by_hand == 0


def test_what_a_person_decides_while_a_sync_is_refused_stands(campaign, bazaar, ada, monkeypatch):
    ada.answer(2).answer(1, goes_on=True).finish()
    bazaar.pays_no_bonus = ("submitted", "approved", "returned")
    sync(campaign)
    newest = {ada.worker.pk: accounts_of(campaign)[0].newest}
    refuse = bazaar.pay_bonuses

    def meanwhile(decide):
        def pay(campaign, payments):
            decide(campaign, newest, "boss")
            return refuse(campaign, payments)

        monkeypatch.setattr(bazaar, "pay_bonuses", pay)
        return sync(campaign).troubles

    assert meanwhile(leave) == []
    assert accounts_of(campaign)[0].left > 0
    Payment.objects.filter(obstacle="left").update(obstacle="no")
    Session.objects.update(market_state="returned")
    bazaar.stalls[ada.key].status = "returned"
    meanwhile(settle)
    assert accounts_of(campaign)[0].owed == 0
    assert ada.answers.get(is_extra=True).used
