"""A whole study on the stand-in, with faults and misbehaving workers, keeps the invariants."""

import contextlib
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.crowds.mturk.client import Client
from tasks.market.sync import sync
from tasks.money import owe_bonus
from tasks.simulation.rehearsal.audit import audit
from tasks.simulation.rehearsal.checks import lost_answers
from tasks.simulation.rehearsal.faults import EVERYTHING, Faults
from tasks.simulation.rehearsal.people import BEST, Habits
from tasks.simulation.rehearsal.stage import Stage, play
from tests.studies.killed_calls import Killed, kill_at

pytestmark = pytest.mark.django_db(transaction=True)

BAD = Habits(
    previews=0.2,
    returns=0.08,
    abandons=0.06,
    forgets=0.06,
    comes_late=0.06,
    sends_twice=0.2,
    hands_in_twice=0.2,
)


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_study_comes_to_its_end_whatever_happens(kind, open_for_mturk, server, live_server):
    server.trouble.faults = EVERYTHING if kind == "contains" else Faults()
    campaign = open_for_mturk(
        kind, images=12, per_hit=3, workers_per_item=10, round_size=5, assignment_minutes=30
    )
    on = Stage(server)
    with on.site(live_server.url):
        people = on.crew(16, seed=1, habits=BAD, careless=2, pictures=False)
        play(on, campaign, people, seed=1)
        assert campaign.state == "finished"
        server.trouble.faults = Faults()
        assert audit(campaign, server.market) == []
        assert lost_answers(people.thanked) == []
    assert set(people.happened) & {"returns", "abandons", "forgets", "comes_late"}
    bill = on.bill()
    assert bill.answers >= 40
    assert bill.total == sum(payment.amount for payment in campaign.payments.all())


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_sync_killed_at_any_call_pays_once(
    open_for_mturk, server, live_server, monkeypatch, after_effect
):
    market = server.market
    campaign = open_for_mturk(images=6, per_hit=3, workers_per_item=4, round_size=2)
    on = Stage(server)
    with on.site(live_server.url):
        people = on.crew(5, seed=2, habits=BEST, careless=0, pictures=False)
        number = 0
        while campaign.state == "open":
            number += 1
            with monkeypatch.context() as patch:
                kill_at(patch, Client, "call", number % 13 + 1, after_effect)
                with contextlib.suppress(Killed):
                    sync(campaign)
            market.clock.move(timedelta(hours=25))  # no token lives so long
            if number % 7 == 0:
                sync(campaign)
                people.work()
                _bonus_for_one(campaign)
        sync(campaign)
        assert audit(campaign, market) == []
    bonuses = [paid for paid in market.payments if paid.kind == "bonus"]
    assert len(bonuses) == campaign.payments.filter(kind="bonus").count() > 0


def _bonus_for_one(campaign) -> None:
    """A bonus for an answer that was accepted and has had none."""
    one = campaign.assignments.filter(outcome="accepted").exclude(payments__kind="bonus").first()
    if one is not None:
        owe_bonus(one, Decimal("0.35"), "for taking care")
