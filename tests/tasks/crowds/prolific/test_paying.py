"""Bonuses at Prolific: each once, although paying is not idempotent and may be cut off anywhere."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.crowds import CrowdError
from tasks.crowds.prolific import paying
from tasks.crowds.prolific.client import Client
from tasks.crowds.prolific.models import BonusSetUp
from tasks.crowds.prolific.studies import offer
from tasks.crowds.prolific.submissions import approve
from tasks.market.sync import sync
from tasks.models import Payment
from tests.studies.killed_calls import Killed, kill_at
from tests.studies.prolific_stand_in import ATTEMPTS, begun

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 3)
    return campaign


@pytest.fixture
def submissions(campaign, market):
    (study,) = market.studies.values()
    taken = [market.take(study, f"{n:024x}") for n in range(1, 4)]
    for submission in taken:
        begun(campaign, submission)
        market.complete(submission, "ANY")
    return taken


@pytest.fixture
def owed(campaign, submissions):
    """Two bonuses of the same amount for the first, one each for the others, with fees."""
    sessions = {s.key: s for s in campaign.sessions.all()}
    payments = []
    for number, (who, amount) in enumerate([(0, "0.50"), (0, "0.50"), (1, "0.50"), (2, "1.25")]):
        session = sessions[submissions[who].id]
        for prefix, sum in (("", amount), ("fee-", "0.30"), ("vat-", "0.05")):
            kind = {"": "bonus", "fee-": "fee", "vat-": "vat"}[prefix]
            payments.append(
                Payment.objects.create(
                    campaign=campaign,
                    session=session,
                    kind=kind,
                    amount=Decimal(sum),
                    reason=f"bonus {number}",
                    request_key=f"{prefix}bonus-{number}",
                )
            )
    return payments


def pay(campaign) -> int:
    """As a sync does: pay what is due, and record what was paid."""
    due = Payment.objects.filter(campaign=campaign, kind="bonus", state="due").order_by("pk")
    count = 0
    for payment, reference in paying.pay_bonuses(campaign, list(due.select_related("session"))):
        if reference is not None:
            Payment.objects.filter(pk=payment.pk).update(state="paid")
            count += 1
    return count


def test_each_bonus_is_paid_once(campaign, owed, market, submissions):
    assert pay(campaign) == 4
    assert pay(campaign) == 0
    assert [s.bonuses for s in submissions] == [[50, 50], [50], [125]]
    assert market.calls["pay bonuses"] == 1


@pytest.mark.parametrize("told", ["all of it", "the whole alone"])
def test_the_ledgers_fee_and_vat_become_what_prolific_charged(
    campaign, owed, market, monkeypatch, told
):
    send = Client.send

    def tersely(self, method, path, body=None):
        answer = send(self, method, path, body)
        if path.endswith("/bonus-payments/"):
            return {name: answer[name] for name in ("id", "total_amount")}
        return answer

    if told == "the whole alone":
        monkeypatch.setattr(Client, "send", tersely)
    pay(campaign)
    ours = sum(p.amount for p in campaign.payments.filter(kind__in=["fee", "vat"]))
    theirs = sum(p.fee + p.vat for p in market.payments if p.kind == "bonus")
    assert ours == Decimal(theirs) / 100


def test_what_arrives_later_is_recorded_later_and_not_paid_again(
    campaign, owed, market, submissions
):
    market.features = replace(market.features, delay=timedelta(minutes=5))
    assert pay(campaign) == 0
    assert pay(campaign) == 0
    market.clock.move(timedelta(hours=20))  # promised, and so never paid again
    assert pay(campaign) == 4
    assert [s.bonuses for s in submissions] == [[50, 50], [50], [125]]


def test_a_bonus_paid_by_hand_before_is_not_taken_for_ours(campaign, owed, market, submissions):
    submissions[1].bonuses.append(50)
    assert pay(campaign) == 4
    assert submissions[1].bonuses == [50, 50]


@pytest.mark.parametrize("fault", ["page", "dropped"], ids=["before", "after"])
@pytest.mark.parametrize("call", range(9))
def test_whatever_goes_wrong_everybody_is_paid_once(
    campaign, owed, prolific, market, submissions, fault, call
):
    prolific.trouble.next = [""] * call + [fault] * ATTEMPTS
    for _ in range(6):
        try:
            pay(campaign)
        except CrowdError:
            market.clock.move(timedelta(hours=1))
    assert [s.bonuses for s in submissions] == [[50, 50], [50], [125]]
    assert not campaign.payments.filter(kind="bonus", state="due").exists()


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 10))
def test_killed_at_any_call_everybody_is_paid_once(
    campaign, owed, market, submissions, monkeypatch, call, after_effect
):
    with monkeypatch.context() as patch:
        kill_at(patch, Client, "_once", call, after_effect)
        with contextlib.suppress(Killed):
            pay(campaign)
    for _ in range(4):
        pay(campaign)
        market.clock.move(timedelta(hours=1))
    assert [s.bonuses for s in submissions] == [[50, 50], [50], [125]]
    assert not BonusSetUp.objects.filter(done=False).exists()


def test_one_submission_that_prolific_does_not_take_keeps_nobody_else_from_pay(
    campaign, owed, market, submissions
):
    market.features = replace(market.features, no_bonuses_for=("RETURNED",))
    market.become(submissions[1], "RETURNED")
    with pytest.raises(CrowdError, match="everybody else"):
        pay(campaign)
    with pytest.raises(CrowdError, match="everybody else"):
        pay(campaign)
    assert [s.bonuses for s in submissions] == [[50, 50], [], [125]]


def test_a_refusal_is_for_good_only_while_there_is_money(campaign, owed, market, submissions):
    market.features = replace(market.features, no_bonuses_for=("RETURNED",))
    for submission in submissions:
        market.become(submission, "RETURNED")
    due = list(Payment.objects.filter(kind="bonus").select_related("session"))

    def refused() -> list:
        found = []
        with pytest.raises(CrowdError, match="cannot be paid a bonus"):
            found.extend(paying.pay_bonuses(campaign, due))
        return found

    market.deposited = market.spent
    assert refused() == []
    market.deposited = 1_000_000
    assert sorted(payment.pk for payment, reference in refused() if reference is None) == sorted(
        payment.pk for payment in due
    )
    assert not any(submission.bonuses for submission in submissions)


def test_what_never_arrived_is_told_beside_a_refusal(campaign, owed, market, submissions):
    market.features = replace(market.features, delay=timedelta(days=9))
    promised = Payment.objects.filter(kind="bonus", session__key=submissions[0].id)
    assert list(paying.pay_bonuses(campaign, list(promised.select_related("session")))) == []
    market.clock.move(timedelta(days=2))
    market.features = replace(market.features, no_bonuses_for=("RETURNED",))
    market.become(submissions[1], "RETURNED")
    with pytest.raises(CrowdError, match=r"everybody else.*not arrived after a day"):
        pay(campaign)


def test_an_empty_wallet_pays_nothing_and_says_so(campaign, owed, market, submissions):
    market.deposited = market.spent
    with pytest.raises(CrowdError, match="Not enough balance"):
        pay(campaign)
    market.deposited = 1_000_000
    assert pay(campaign) == 4
    assert [s.bonuses for s in submissions] == [[50, 50], [50], [125]]


def test_the_ledger_agrees_with_submissions_and_bonuses(campaign, owed, market, submissions):
    sessions = list(campaign.sessions.order_by("pk"))
    approve(campaign, sessions)
    pay(campaign)
    lines = sorted((p.kind, p.session, p.amount) for p in paying.ledger(campaign))
    bonuses = {0: ["1.00"], 1: ["0.50"], 2: ["1.25"]}
    expected = [("base", s.id, campaign.session_reward) for s in submissions]
    for who, sums in bonuses.items():
        expected += [("bonus", submissions[who].id, Decimal(sum)) for sum in sums]
    assert lines == sorted(expected)
    submissions[0].bonuses.append(33)
    market.pay("bonus", submissions[0], 33)
    lines = [p.amount for p in paying.ledger(campaign) if p.session == submissions[0].id]
    assert Decimal("0.33") in lines


def test_the_ledger_has_the_fees_that_prolific_rounded_over_the_study(campaign, market):
    market.features = replace(market.features, rounds_by_study=True)
    (study,) = market.studies.values()
    for number in range(3):
        submission = market.take(study, f"{number:024x}")
        begun(campaign, submission, answers=2)
        market.complete(submission, "ANY")
    assert sync(campaign).differences == []
    there = market.cost_of_study({}, study.id)["rewards"]
    for kind, name in (("base", "rewards"), ("fee", "fees"), ("vat", "tax")):
        lines = Payment.objects.filter(campaign=campaign, kind=kind)
        assert sum(line.amount for line in lines) * 100 == there[name]["amount"] > 0
