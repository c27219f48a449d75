"""How the site takes over what MTurk reports: payments, expiry, and that it is busy."""

from datetime import timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from annotation.serving.command_line import run
from tasks.crowds import crowd_of
from tasks.crowds.mturk import client, marketplace
from tasks.crowds.mturk.client import client_of
from tasks.crowds.mturk.models import Listing
from tasks.market.sync import sync
from tasks.market.synced import for_a_person, report
from tasks.models import Assignment, Worker
from tasks.money import committed, spent
from tasks.work.submitting import submit
from tasks.work.take_up import take_up

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_payment_made_by_hand_is_reported_while_the_study_runs(open_for_mturk, market):
    campaign = open_for_mturk()
    sync(campaign)
    accepted = market.accept(next(iter(market.hits.values())), "A1")
    market.hand_in(accepted.id, [("answer", "")])
    assert not sync(campaign).differences
    bonus = {
        "WorkerId": "A1",
        "AssignmentId": accepted.id,
        "BonusAmount": "0.50",
        "Reason": "by hand",
    }
    market.carry_out("SendBonus", bonus)
    done = sync(campaign)
    assert done.state == "open"
    (difference,) = done.differences
    assert "$0.50 paid on the marketplace, nothing in this ledger" in difference
    with pytest.raises(CommandError, match="--enter-bonuses"):
        call_command("sync", campaign.slug)
    call_command("sync", campaign.slug, "--enter-bonuses")
    call_command("sync", campaign.slug, "--enter-bonuses")
    entered = campaign.payments.exclude(kind="base").exclude(reason="on the base")
    assert dict(entered.values_list("kind", "amount")) == {
        "bonus": Decimal("0.50"),
        "fee": Decimal("0.10"),
    }
    log = campaign.transitions.get(subject="bonus")
    assert (log.after, log.why) == ("in the ledger", "$0.50: by hand")
    market.carry_out("SendBonus", bonus)  # once more
    (difference,) = sync(campaign).differences
    assert "paid twice on the marketplace ($0.50 again)" in difference
    call_command("sync", campaign.slug, "--enter-bonuses")
    assert sum(p.amount + p.fee for p in market.payments) == spent(campaign)


def test_work_for_nothing_is_approved_and_its_fee_is_in_the_ledger(open_for_mturk, market):
    campaign = open_for_mturk()
    campaign.hits.update(reward=0)
    sync(campaign)
    accepted = market.accept(next(iter(market.hits.values())), "A1")
    market.hand_in(accepted.id, [("answer", "")])
    assert not for_a_person(sync(campaign))
    assert accepted.status == "Approved"
    assert sum(p.amount + p.fee for p in market.payments) == spent(campaign) == Decimal("0.01")


def test_hits_that_nobody_knows_are_told_in_one_line(open_for_mturk, market):
    campaign = open_for_mturk(images=6, per_hit=6)
    sync(campaign)
    (ours,) = market.hits.values()
    names = sorted(
        market.carry_out(
            "CreateHITWithHITType",
            {"HITTypeId": ours.type.id, "LifetimeInSeconds": 600, "Question": ours.question},
        )["HIT"]["HITId"]
        for _ in range(5)
    )
    told = [line for line in report(campaign, sync(campaign)) if "does not know" in line]
    assert told == [
        "The marketplace has 5 HITs that this site does not know and leaves as they are:"
        f" {', '.join(names[:3])} and 2 more."
    ]


def test_a_rejection_overturned_on_the_marketplace_is_taken_over(open_for_mturk, market):
    campaign = open_for_mturk(rejection=True)
    sync(campaign)
    accepted = market.accept(next(iter(market.hits.values())), "A1")
    market.hand_in(accepted.id, [("answer", "")])
    market.carry_out(
        "RejectAssignment", {"AssignmentId": accepted.id, "RequesterFeedback": "by hand"}
    )
    sync(campaign)
    assert Assignment.objects.get(key=accepted.id).outcome == "rejected"
    market.carry_out("ApproveAssignment", {"AssignmentId": accepted.id, "OverrideRejection": True})
    assert not sync(campaign).differences
    assert Assignment.objects.get(key=accepted.id).outcome == "accepted"
    assert campaign.payments.get(kind="base").state == "paid"


def test_a_hit_expired_on_the_marketplace_is_offered_again_whatever_the_clock_says(
    open_for_mturk, market, monkeypatch
):
    campaign = open_for_mturk()
    sync(campaign)
    monkeypatch.setattr(client.Client, "_look_at_clock", lambda self, date: None)
    market.clock.move(timedelta(days=8))
    assert not market.open_hits()
    sync(campaign)
    assert len(market.open_hits()) == len(market.hits) == 2
    before = market.calls["UpdateExpirationForHIT"]
    sync(campaign)
    assert market.calls["UpdateExpirationForHIT"] == before


def test_the_expiry_of_a_hit_that_is_done_is_not_asked_for_at_every_sync(open_for_mturk, market):
    campaign = open_for_mturk(workers_per_item=10, round_size=10)
    sync(campaign)
    for hit in list(market.hits.values()):
        for number in range(hit.max_assignments):
            accepted = market.accept(hit, f"A{number}")
            market.hand_in(accepted.id, [("answer", "")])
        break
    sync(campaign)
    sync(campaign)
    before = market.calls["UpdateExpirationForHIT"]
    sync(campaign)
    assert market.calls["UpdateExpirationForHIT"] == before
    assert Listing.objects.count() == len(market.hits)


@pytest.mark.parametrize("code", ["AWS.MechanicalTurk.Throttling", "AWS.ServiceUnavailable"])
def test_a_request_error_that_passes_is_tried_again(open_for_mturk, market, monkeypatch, code):
    campaign = open_for_mturk()
    connected = client_of(campaign)
    asked = []
    real = connected._boto.get_account_balance

    def busy_at_first(**parameters):
        asked.append(parameters)
        if len(asked) < 3:
            error = {"Error": {"Code": "RequestError", "Message": "no"}, "TurkErrorCode": code}
            raise ClientError(error, "GetAccountBalance")
        return real(**parameters)

    monkeypatch.setattr(connected._boto, "get_account_balance", busy_at_first)
    monkeypatch.setattr(client.time, "sleep", lambda seconds: None)
    assert marketplace.balance(campaign) == Decimal(10_000)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("reward", "fee"), [("0.01", "0.01"), ("0.12", "0.02"), ("0.13", "0.03"), ("0.25", "0.05")]
)
def test_half_a_cent_of_the_fee_is_rounded_up(open_for_mturk, reward, fee):
    assert crowd_of(open_for_mturk()).fee(Decimal(reward)) == Decimal(fee)


def test_an_answer_that_was_never_handed_in_costs_nothing(open_for_mturk, market):
    campaign = open_for_mturk()
    sync(campaign)
    before = committed(campaign)
    hit = campaign.hits.first()
    offer = next(o for o in market.hits.values() if market.public_id(o) == hit.public_id)
    accepted = market.accept(offer, "A1")
    submit(take_up(hit, Worker.of("mturk", "A1"), accepted.id), {"selected": []})
    market.give_up(accepted)
    sync(campaign)  # nobody holds the HIT: no answer will come
    assert committed(campaign) == before


def test_a_sync_whose_database_goes_away_says_so(open_for_mturk, market, monkeypatch, capsys):
    campaign = open_for_mturk()
    sync(campaign)
    fetch = marketplace.fetch

    def killed(campaign):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            ours = cursor.fetchone()
        with connection.copy().cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", ours)
        return fetch(campaign)

    monkeypatch.setattr(marketplace, "fetch", killed)
    monkeypatch.setattr(settings, "EMBEDDED_SERVERS", False)
    try:
        assert run(["manage.py", "sync", campaign.slug]) == 1
    finally:
        connection.close()
    monkeypatch.undo()
    assert "Error: The database does not answer: " in capsys.readouterr().err
    assert not sync(campaign).busy
