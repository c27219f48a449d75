"""The ORM, SQL and a loaded assignment agree on which answers are used and which were handed in."""

from itertools import product

import pytest
from django.db import connection
from django.utils import timezone

from tasks.models import Assignment, Worker
from tasks.models.assignment import (
    HANDED_IN,
    USED,
    AssignmentState,
    MarketState,
    Outcome,
)
from tasks.sql.used import handed_in, status, used

COMBINATIONS = list(
    product(AssignmentState, Outcome, (False, True), (False, True), MarketState)
)  # state, outcome, set_aside, imported, market_state


@pytest.fixture
def assignments(campaign) -> list[Assignment]:
    """One of each combination, of a worker each."""
    hit, now = campaign.hits.first(), timezone.now()
    workers = Worker.objects.bulk_create(
        Worker(crowd="local", external_id=str(number), pseudonym=f"pw-{number}")
        for number in range(len(COMBINATIONS))
    )
    return Assignment.objects.bulk_create(
        Assignment(
            campaign=campaign,
            hit=hit,
            worker=worker,
            state=state,
            outcome=outcome,
            set_aside=set_aside,
            imported=imported,
            market_state=market_state,
            submitted_at=now,
            feedback="careless",
        )
        for worker, (state, outcome, set_aside, imported, market_state) in zip(
            workers, COMBINATIONS, strict=True
        )
    )


def selected_by(condition: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a.id FROM tasks_assignment a WHERE {condition}")
        return {pk for (pk,) in cursor.fetchall()}


def test_what_is_used_is_submitted_accepted_and_not_set_aside(assignments):
    expected = {
        assignment.pk
        for assignment, (state, outcome, set_aside, _, _) in zip(
            assignments, COMBINATIONS, strict=True
        )
        if (state, outcome, set_aside) == ("submitted", "accepted", False)
    }
    assert len(expected) == 2 * len(MarketState)  # imported or not, whatever the marketplace says
    assert selected_by(used()) == expected
    assert set(Assignment.objects.filter(USED).values_list("pk", flat=True)) == expected
    assert {assignment.pk for assignment in Assignment.objects.all() if assignment.used} == expected


def test_the_marketplace_has_what_is_submitted_approved_or_rejected(assignments):
    expected = {
        assignment.pk
        for assignment, (*_, market_state) in zip(assignments, COMBINATIONS, strict=True)
        if market_state in ("submitted", "approved", "rejected")
    }
    assert selected_by(handed_in()) == expected
    by_orm = Assignment.objects.filter(market_state__in=HANDED_IN)
    assert set(by_orm.values_list("pk", flat=True)) == expected


def test_the_status_is_the_outcome_or_before_review_the_state(assignments):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a.id, {status()} FROM tasks_assignment a")
        by_sql = dict(cursor.fetchall())
    for assignment, (state, outcome, *_) in zip(assignments, COMBINATIONS, strict=True):
        assert by_sql[assignment.pk] == (outcome or state)
