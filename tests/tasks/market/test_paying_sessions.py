"""A marketplace of sessions pays once, and what it refuses to pay waits (S6)."""

from decimal import Decimal

import pytest

from tasks.crowds import CrowdError
from tasks.market.sync import sync
from tasks.models import Payment, Place, Session
from tasks.money.settling import accounts_of, leave, settle
from tests.studies.bazaar_people import Person, in_step


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
