"""Rewards, fees, the hard budget, the typed confirmation, the ledger."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from tasks import money
from tasks.campaigns.publish import preview, publish
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Payment
from tasks.models.refused import Refused
from tasks.work.claiming import next_assignment
from tasks.work.rounds import open_round, waiting_places
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, make_dataset, work_through
from tests.studies.fair import open_for_business
from tests.studies.threads import at_once


def draft(dataset, **fields) -> Campaign:
    settings = {"workers_per_item": 6, "round_size": 2, "grid_size": 12, "controls": {"share": 0}}
    return Campaign.objects.create(
        name="Paid", slug="paid", dataset=dataset, kind="contains", **(settings | fields)
    )


@pytest.fixture
def fair(monkeypatch):
    return open_for_business(monkeypatch)


def test_a_reward_follows_from_the_wage_and_the_expected_time(dataset):
    campaign = draft(dataset, wage=Decimal("12.00"))
    publish(campaign, "a test")
    for hit in campaign.hits.all():
        seconds = 15 + Decimal("1.5") * hit.items.count()
        assert hit.reward == (12 * seconds / 3600).quantize(Decimal("0.01"), "ROUND_CEILING")


def test_a_reward_of_the_campaign_is_that_of_every_hit(dataset):
    campaign = draft(dataset, reward=Decimal("0.35"))
    publish(campaign, "a test")
    assert set(campaign.hits.values_list("reward", flat=True)) == {Decimal("0.35")}


def test_what_it_costs_is_known_before_and_nothing_is_kept_of_the_preview(dataset, fair):
    campaign = draft(dataset, crowd="fair", reward=Decimal("0.30"), budget=Decimal(100))
    would = preview(campaign)
    assert not campaign.hits.exists()
    published = publish(campaign, "a test")
    assert published.hits == campaign.hits.count() == would.hits
    for cost, answers in ((would.first_round, 2), (would.whole, 6)):
        assert cost.rewards == Decimal("0.30") * answers * would.hits
        assert cost.fees == Decimal("0.06") * answers * would.hits
    assert money.committed(campaign) == published.first_round.total


def test_publishing_beyond_the_budget_is_refused_and_says_what_it_costs(dataset, fair):
    campaign = draft(dataset, crowd="fair", reward=Decimal("0.30"), budget=Decimal("0.50"))
    with pytest.raises(Refused, match=r"first round of 10 answers costs \$3.60 .*budget is \$0.50"):
        publish(campaign, "a test")
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert not campaign.hits.exists()
    assert not fair.places


def test_a_crowd_that_pays_needs_a_budget(dataset, fair):
    with pytest.raises(Refused, match="it has no budget"):
        publish(draft(dataset, crowd="fair"), "a test")


def test_a_study_that_runs_out_of_money_is_complete_at_a_lower_r(dataset, workers):
    campaign = draft(dataset, reward=Decimal("0.10"))
    hits = preview(campaign).hits
    Campaign.objects.update(budget=Decimal("0.10") * hits * 5)  # two rounds of three
    publish(campaign, "a test")
    for worker in workers(7):
        work_through(campaign, worker)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.round, campaign.target) == ("finished", 2, 4)
    assert waiting_places(campaign) == 0
    assert money.spent(campaign) == Decimal("0.10") * hits * 4
    log = campaign.transitions.filter(subject="campaign", after="finished").get()
    assert "4 of 6 answers: a further round costs $1.00, and $0.50 is left of the budget" in log.why
    assert campaign.transitions.filter(after="out of money").count() == 1


def test_work_that_is_set_aside_is_asked_again_only_as_far_as_the_budget_goes(dataset, workers):
    campaign = draft(dataset, reward=Decimal("0.10"), workers_per_item=2)
    hits = preview(campaign).hits
    Campaign.objects.update(budget=Decimal("0.10") * (hits * 2 + 1))
    publish(campaign, "a test")
    careless, other, third = workers(3)
    work_through(campaign, careless)
    set_aside(campaign, careless, "careless", "a test")
    assert campaign.places.count() == 2 * hits - (hits - 1)
    for worker in (other, third):
        work_through(campaign, worker)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    assert money.spent(campaign) == campaign.budget
    why = campaign.transitions.filter(after="finished").get().why
    assert f"{hits - 1} answers that no longer count are not asked again" in why


def test_real_money_needs_its_whole_budget_typed(dataset, fair):
    campaign = draft(
        dataset,
        crowd="fair",
        sandbox=False,
        budget=Decimal("123.45"),
        reward=Decimal("0.10"),
        contact="a lab",
    )
    with pytest.raises(CommandError, match="--production --yes-spend"):
        call_command("publish", "paid")
    with pytest.raises(CommandError, match=r"budget is \$123.45, and nothing was typed"):
        call_command("publish", "paid", production=True)
    for typed in ("123.4", "123", "1e10"):
        with pytest.raises(CommandError, match=r"budget is \$123.45"):
            call_command("publish", "paid", "--production", "--yes-spend", typed)
    with pytest.raises(CommandError, match="not a sum of money"):
        call_command("publish", "paid", "--production", "--yes-spend", "NaN")
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    call_command("publish", "paid", "--production", "--yes-spend", "123.450")
    campaign.refresh_from_db()
    assert campaign.state == "open"
    call_command("close", "paid")
    with pytest.raises(CommandError, match="is closed"):  # and not: type the budget
        call_command("publish", "paid")


def test_a_sandbox_campaign_is_not_published_as_production(dataset, fair):
    draft(dataset, crowd="fair", budget=Decimal(10))
    with pytest.raises(CommandError, match="not a production campaign"):
        call_command("publish", "paid", "--production", "--yes-spend", "10")
    call_command("publish", "paid")


def test_a_marketplace_that_cannot_be_reached_changes_nothing(dataset, fair, monkeypatch):
    from tasks.crowds import CrowdError

    def down(campaign):
        raise CrowdError("the marketplace at http://x does not answer")

    monkeypatch.setattr(fair, "balance", down)
    campaign = draft(dataset, crowd="fair", budget=Decimal(10))
    with pytest.raises(Refused, match="cannot be published: the marketplace at http://x"):
        publish(campaign, "a test")
    assert campaign.state == "draft"


def test_a_bonus_is_paid_once_and_never_beyond_the_budget(campaign, workers):
    Campaign.objects.update(budget=money.committed(campaign) + 1)
    (worker,) = workers(1)
    done = submit(next_assignment(campaign, worker), answer_no(None)).assignment
    first = money.owe_bonus(done, Decimal("0.60"), "thorough")
    assert money.owe_bonus(done, Decimal("0.60"), "thorough") == first
    with pytest.raises(Refused, match="has had"):
        money.owe_bonus(done, Decimal("0.10"), "thorough")
    with pytest.raises(Refused, match=r"\$0.20 beyond the budget"):
        money.owe_bonus(done, Decimal("0.60"), "comments")
    for amount in ("0", "-1", "0.005"):
        with pytest.raises(Refused, match="whole cents"):
            money.owe_bonus(done, Decimal(amount), "comments")
    assert money.owe_bonus(done, Decimal("0.40"), "comments").amount == Decimal("0.40")


def test_an_answer_that_was_not_accepted_gets_no_bonus(campaign, workers):
    (worker,) = workers(1)
    with pytest.raises(Refused, match="was not accepted"):
        money.owe_bonus(next_assignment(campaign, worker), Decimal(1), "hope")


@pytest.mark.django_db(transaction=True)
def test_bonuses_and_a_round_that_race_for_the_last_money(workers):
    campaign = draft(make_dataset(), reward=Decimal("0.10"))
    hits = preview(campaign).hits
    Campaign.objects.update(budget=Decimal("0.10") * hits * 4)  # two rounds, or bonuses
    publish(campaign, "a test")
    (worker,) = workers(1)
    work_through(campaign, worker)
    accepted = list(Assignment.objects.filter(campaign=campaign, outcome="accepted"))
    outcomes = at_once(
        *[lambda a=a: money.owe_bonus(a, Decimal("0.20"), "thorough") for a in accepted],
        lambda: open_round(campaign, after=1, who="a test"),
        lambda: open_round(campaign, after=1, who="a test"),
        expected=(Refused,),
    )
    campaign.refresh_from_db()
    assert money.committed(campaign) <= campaign.budget
    bonuses = Payment.objects.filter(kind="bonus").count()
    assert bonuses == sum(isinstance(outcome, Payment) for outcome in outcomes)
    assert (campaign.round == 2) == (bonuses == 0)
    assert campaign.places.count() == hits * campaign.target


@pytest.mark.django_db(transaction=True)
def test_two_publishers_publish_once(fair):
    campaign = draft(make_dataset(), crowd="fair", budget=Decimal(100), reward=Decimal("0.10"))
    published = at_once(*[lambda: publish(Campaign.objects.get(), "a test")] * 3)
    assert campaign.places.count() == 2 * campaign.hits.count() == 2 * published[0].hits


@pytest.mark.django_db(transaction=True)
def test_syncs_at_once_pay_once(fair, workers):
    campaign = draft(make_dataset(), crowd="fair", budget=Decimal(100), reward=Decimal("0.10"))
    publish(campaign, "a test")
    for hit in campaign.hits.all():
        work = fair.accept(hit.pk, "somebody")
        items = list(hit.items.values_list("position", flat=True))
        work.answer = {"shown": items, "selected": [], "maybe": [], "unseen": []}
        work.status = "submitted"
    syncs = at_once(*[lambda: sync(Campaign.objects.get(), patience=30)] * 3)
    assert sum(done.paid for done in syncs) == campaign.hits.count() == len(fair.payments)
    assert Payment.objects.filter(kind="base", state="paid").count() == len(fair.payments)
    assert not money.differences(campaign)
