"""The sum that publishing prints is the sum that suffices, and a cent less ends a study early."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks import money
from tasks.market.synced import Synced, report
from tasks.models import HIT, Assignment, Campaign, Place, Worker
from tasks.models.campaign import State
from tasks.work.review import review
from tasks.work.rounds import finish_if_done, open_round
from tasks.work.stops import set_aside
from tests.factories import make_dataset, make_workers

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Shape:
    """Rewards of the HITs in cents, R, and how many answers a round asks."""

    rewards: list[int]
    answers: int
    round_size: int


SHAPES = st.builds(
    Shape,
    st.lists(st.integers(1, 130), min_size=1, max_size=5),  # fees of a cent and of more
    st.integers(1, 5),
    st.integers(1, 5),
)
quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def study(module_db):
    """A draft for a paid crowd, and workers."""
    campaign = Campaign.objects.create(
        name="Paid",
        dataset=make_dataset(images=1),
        kind="contains",
        crowd="mturk",
        workers_per_item=1,
        round_size=1,
    )
    return campaign, make_workers(8)


def laid_out(campaign: Campaign, shape: Shape) -> Decimal:
    """Give the draft HITs of that shape; what all answers cost."""
    campaign.refresh_from_db()
    campaign.workers_per_item, campaign.round_size = shape.answers, shape.round_size
    HIT.objects.bulk_create(
        HIT(campaign=campaign, key=str(n), reward=Decimal(cents) / 100)
        for n, cents in enumerate(shape.rewards)
    )
    return money.cost_of(campaign, shape.answers).total


def play(campaign: Campaign, workers: list[Worker], budget: Decimal) -> None:
    """Answer whatever is asked, until the campaign has ended."""
    campaign.budget = budget
    campaign.save()
    campaign.move_to(State.OPEN, "a test")
    while open_round(campaign, campaign.round, "a test"):
        campaign.refresh_from_db()
        answer_all(campaign, workers)
        assert money.committed(campaign) <= budget
    finish_if_done(campaign)
    campaign.refresh_from_db()


def answer_all(campaign: Campaign, workers: list[Worker]) -> None:
    """Answers of distinct workers, told of by the marketplace, accepted and owed."""
    now = timezone.now()
    for place in Place.objects.filter(campaign=campaign, free_at__isnull=False):
        done = Assignment.objects.filter(hit=place.hit).count()
        place.holder = Assignment.objects.create(
            campaign=campaign,
            hit=place.hit,
            worker=workers[done],
            state="submitted",
            market_state="submitted",
            submitted_at=now,
        )
        place.free_at = None
        place.save()
    review(campaign)


@given(shape=SHAPES)
@example(shape=Shape([5] * 4, 5, 2))
@quick
def test_the_printed_sum_suffices_and_a_cent_less_does_not(study, shape):
    campaign, workers = study
    for missing in (Decimal(0), CENT):
        with transaction.atomic():
            whole = laid_out(campaign, shape)
            play(campaign, workers, whole - missing)
            answers = Assignment.objects.filter(campaign=campaign).count()
            all_of_them = answers == shape.answers * len(shape.rewards)
            assert all_of_them == (not missing)
            if missing and campaign.state == State.FINISHED:
                (line,) = report(campaign, Synced(state=campaign.state))
                assert "is finished for want of money (every HIT has" in line
                assert "left of the budget" in line
            elif not missing:
                assert campaign.state == State.FINISHED
                assert money.spent(campaign) == whole
                (line,) = report(campaign, Synced(state=campaign.state))
                assert "money" not in line
            transaction.set_rollback(True)


@given(shape=SHAPES.filter(lambda shape: shape.answers > shape.round_size))
@quick
def test_what_is_told_to_be_left_is_what_may_be_asked_again(study, shape):
    """A worker of the first round is set aside: their answers are paid, and asked again."""
    campaign, workers = study
    for missing in (Decimal(0), CENT):
        with transaction.atomic():
            whole = laid_out(campaign, shape)
            price = sum((money.price(campaign, hit) for hit in campaign.hits.all()), Decimal(0))
            campaign.budget = whole + price - missing
            campaign.save()
            campaign.move_to(State.OPEN, "a test")
            open_round(campaign, 0, "a test")
            campaign.refresh_from_db()
            answer_all(campaign, workers)
            set_aside(campaign, workers[0], "careless", "a test")
            answer_all(campaign, workers)
            while open_round(campaign, campaign.round, "a test"):
                campaign.refresh_from_db()
                answer_all(campaign, workers)
            campaign.refresh_from_db()
            reached = campaign.target == shape.answers
            assert reached == (not missing)
            transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (None, "Budget: none."),
        ("9.99", "Budget: $9.99: the study ends early, for want of $0.01."),
        ("10.00", "Budget: $10.00, which leaves $0.00 for answers that are set aside"),
        ("10.99", "Budget: $10.99, which leaves $0.99 for answers that are set aside"),
        ("11.00", "Budget: $11.00."),
    ],
)
def test_a_budget_near_the_whole_is_told_what_it_leaves(budget, told):
    whole = money.Cost(20, Decimal("8.00"), Decimal("2.00"))
    assert money.budget_told(None if budget is None else Decimal(budget), whole).startswith(told)
