"""What may be changed while a campaign is open: R, the budget, deadlines, texts (rule P17)."""

import json
from decimal import Decimal

import pytest

from tasks import money
from tasks.campaigns.changing import CannotChange, change
from tasks.campaigns.consequences import consequences
from tasks.campaigns.publish import pause, resume
from tasks.models import Campaign
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no, make_campaign, make_dataset, make_workers, work_through
from tests.studies.places import used_per_hit
from tests.studies.threads import at_once

PRICE = Decimal("0.20")


def study(**settings) -> Campaign:
    """A study of two answers to each HIT, at 20 cents."""
    return make_campaign(make_dataset(), reward=PRICE, **settings)


def told(campaign: Campaign, **values) -> str:
    return " ".join(consequences(campaign, values))


def stands(campaign: Campaign) -> tuple:
    campaign.refresh_from_db()
    return campaign.state, campaign.round, campaign.target, campaign.out_of_money


@pytest.mark.django_db
def test_a_finished_study_opens_again_for_a_higher_r():
    campaign = study()
    hits = campaign.hits.count()
    crew = make_workers(5)
    work_through(campaign, crew[:2])
    assert campaign.state == "finished"
    sentence = told(campaign, workers_per_item=5)
    assert f"gets 3 more answers, 5 in all: {3 * hits} answers more, for ${3 * hits * PRICE}" in (
        sentence
    )
    assert f"The next round opens: {2 * hits} answers" in sentence
    assert "is open again" in sentence
    change(campaign, {"workers_per_item": 5}, "ada")
    assert stands(campaign) == ("open", 2, 4, False)
    work_through(campaign, crew[2:])
    assert stands(campaign) == ("finished", 3, 5, False)
    assert set(used_per_hit(campaign).values()) == {5}
    logged = campaign.transitions.get(subject="setting workers_per_item")
    assert (logged.who, json.loads(logged.why)) == ("ada", {"before": 2, "after": 5})


@pytest.mark.django_db
def test_a_study_that_ended_for_money_goes_on_with_a_higher_budget():
    campaign = study(workers_per_item=4, budget=Decimal(5))
    hits = campaign.hits.count()
    once = hits * 2 * PRICE
    change(campaign, {"budget": once + 1}, "ada")
    work_through(campaign, make_workers(2))
    assert stands(campaign) == ("finished", 1, 2, True)
    assert "still carries no further round" in told(campaign, budget=once + 2)
    change(campaign, {"budget": once + 2}, "ada")
    assert stands(campaign) == ("finished", 1, 2, True)
    with pytest.raises(CannotChange, match="raise the budget as well"):
        change(campaign, {"workers_per_item": 9}, "ada")
    assert "is open again" in told(campaign, budget=2 * once)
    change(campaign, {"budget": 2 * once}, "ada")
    assert stands(campaign) == ("open", 2, 4, False)
    work_through(campaign, make_workers(4)[2:])
    assert stands(campaign)[0] == "finished"
    assert money.spent(campaign) == money.committed(campaign) == campaign.budget


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"budget": Decimal("0.39")}, r"budget: It cannot be less than \$.*spent or promised"),
        ({"workers_per_item": 1}, "workers_per_item: It can only be raised: it is 2"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(values, sentence):
    campaign = study()
    before = stands(campaign)
    with pytest.raises(CannotChange, match=sentence):
        change(campaign, values | {"contact": "us"}, "ada")
    assert stands(campaign) == before
    assert campaign.contact is None
    assert not campaign.transitions.filter(subject__startswith="setting").exists()


@pytest.mark.django_db
def test_a_paused_study_goes_on_when_it_is_resumed():
    campaign = study()
    first, second = make_workers(2)
    work_through(campaign, first)
    for _ in range(campaign.hits.count() - 1):
        assignment = next_assignment(campaign, second)
        submit(assignment, answer_no(assignment))
    last = next_assignment(campaign, second)
    change(campaign, {"workers_per_item": 4}, "ada")
    pause(campaign, "ada")
    submit(last, answer_no(last))
    assert stands(campaign)[:3] == ("paused", 1, 2)
    resume(campaign, "ada")
    assert stands(campaign)[:3] == ("open", 2, 4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("again", range(3))
def test_r_is_raised_while_the_last_answers_come_in(again):
    campaign = study(workers_per_item=1, round_size=1)
    crew = make_workers(6)

    def works(worker) -> None:
        work_through(Campaign.objects.get(pk=campaign.pk), worker)

    def raises(r: int) -> None:
        change(Campaign.objects.get(pk=campaign.pk), {"workers_per_item": r}, "ada")

    at_once(
        *(lambda worker=worker: works(worker) for worker in crew[:4]),
        lambda: raises(3),
        expected=(CannotChange,),
    )
    raises(5)
    work_through(campaign, crew)
    assert stands(campaign) == ("finished", 5, 5, False)
    assert set(used_per_hit(campaign).values()) == {5}
    assert len(used_per_hit(campaign)) == campaign.hits.count()
    assert campaign.places.count() == 5 * campaign.hits.count()
    assert money.spent(campaign) == 5 * campaign.hits.count() * PRICE
