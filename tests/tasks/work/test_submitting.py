"""Answers after expiry, and which of two answers is used (rules P5, P9, P12)."""

import pytest
from django.utils import timezone

from tasks.models import Assignment, Place
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no, answer_truly
from tests.studies.places import expire, one_place, used_per_hit


def test_an_expired_place_goes_to_another_and_the_late_answer_is_kept_but_not_used(
    dataset, workers
):
    campaign = one_place(dataset)
    slow, quick = workers(2)
    assignment = next_assignment(campaign, slow)
    expire(assignment)
    taken = next_assignment(campaign, quick)
    assert taken.hit == assignment.hit
    late = submit(assignment, answer_truly(assignment))
    assert late.status == "late"
    late.assignment.refresh_from_db()
    assert late.assignment.selected
    assert not late.assignment.used
    assert submit(taken, answer_no(taken)).status == "stored"
    assert submit(assignment, answer_no(assignment)).status == "repeated"
    assert used_per_hit(campaign) == {taken.hit_id: 1}


def test_an_answer_after_expiry_is_taken_while_its_place_is_free(dataset, workers):
    campaign = one_place(dataset)
    (slow,) = workers(1)
    assignment = next_assignment(campaign, slow)
    expire(assignment)
    assert submit(assignment, answer_no(assignment)).status == "stored"
    campaign.refresh_from_db()
    assert campaign.state == "finished"


def test_an_expired_assignment_does_not_count_as_an_answer(dataset, workers):
    campaign = one_place(dataset)
    (worker,) = workers(1)
    first = next_assignment(campaign, worker)
    expire(first)
    second = next_assignment(campaign, worker)
    assert second.hit == first.hit
    assert second != first
    first.refresh_from_db()
    assert first.state == "expired"
    assert submit(second, answer_no(second)).status == "stored"
    assert submit(first, answer_no(first)).status == "late"
    assert used_per_hit(campaign) == {second.hit_id: 1}


@pytest.mark.parametrize("order", ["as given out", "the other way round"])
def test_of_two_assignments_of_one_hit_only_one_is_used(dataset, workers, order):
    """The first has expired and its place is still free; the second was given on another place."""
    campaign = one_place(dataset)
    (worker,) = workers(1)
    first = next_assignment(campaign, worker)
    other = Place.objects.create(campaign=campaign, hit=first.hit, round=1, shuffle=1)
    Assignment.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    second = next_assignment(campaign, worker)
    assert second.place == other
    expire(first)
    submitted = [first, second] if order == "as given out" else [second, first]
    statuses = {each: submit(each, answer_no(each)).status for each in submitted}
    assert statuses == {first: "late", second: "stored"}
    assert used_per_hit(campaign) == {first.hit_id: 1}
    assert Place.objects.filter(free_at__lte=timezone.now()).count() == 1
