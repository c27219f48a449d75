"""Rounds, places, never twice, expiry, setting aside: rules P1 to P9."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tasks.campaigns.publish import publish
from tasks.models import Assignment, Campaign, HITItem, Place, Worker
from tasks.models.assignment import USED
from tasks.work.claiming import give_back, next_assignment, renew
from tasks.work.rounds import waiting_places
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, answer_truly, make_dataset, work_through


def used_per_hit(campaign: Campaign) -> Counter:
    return Counter(
        Assignment.objects.filter(USED, campaign=campaign).values_list("hit_id", flat=True)
    )


def expire(assignment: Assignment) -> None:
    """Let the assignment's time run out now."""
    past = timezone.now() - timedelta(seconds=1)
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=past)
    Place.objects.filter(holder=assignment).update(free_at=past)


# Rule P2: rounds


def test_publishing_opens_the_first_round_only(campaign):
    assert (campaign.round, campaign.target) == (1, 3)
    assert campaign.hits.count() > 1
    assert Place.objects.count() == 3 * campaign.hits.count()


def test_the_next_round_opens_when_a_worker_may_take_no_free_place(campaign, workers):
    first, second, third, fourth = workers(4)
    for worker in (first, second, third):
        assert work_through(campaign, worker) == campaign.hits.count()
        campaign.refresh_from_db()
        assert campaign.round == 1
    assert next_assignment(campaign, fourth) is not None
    campaign.refresh_from_db()
    assert (campaign.round, campaign.target) == (2, 6)


def test_no_round_opens_for_a_worker_who_has_answered_everything(campaign, workers):
    (only,) = workers(1)
    work_through(campaign, only)
    assert next_assignment(campaign, only) is None
    campaign.refresh_from_db()
    assert campaign.round == 1


def test_places_of_earlier_rounds_are_handed_out_first(campaign, workers):
    *three, fourth, fifth = workers(5)
    for worker in three:
        work_through(campaign, worker)
    running = next_assignment(campaign, fourth)
    campaign.refresh_from_db()
    assert running.round == campaign.round == 2
    set_aside(campaign, three[0], "a test", "a test")
    again = next_assignment(campaign, fifth)
    assert again.round == 1


def test_the_last_round_raises_the_target_to_r_and_no_further(dataset, workers):
    campaign = Campaign.objects.create(
        name="Five", dataset=dataset, kind="contains", workers_per_item=5, round_size=3
    )
    publish(campaign, "a test")
    for worker in workers(7):
        work_through(campaign, worker)
    campaign.refresh_from_db()
    assert (campaign.round, campaign.target, campaign.state) == (2, 5, "finished")
    assert set(used_per_hit(campaign).values()) == {5}


def test_twelve_workers_finish_a_campaign_with_exactly_r_answers_a_hit(campaign, workers):
    for worker in workers(12):
        work_through(campaign, worker, answer_truly)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    assert set(used_per_hit(campaign).values()) == {9}
    assert len(used_per_hit(campaign)) == campaign.hits.count()


# Rules P3 and P7: places come free; setting aside


def test_setting_one_of_nine_workers_aside_leaves_places_waiting(campaign, workers):
    crowd = workers(9)
    for worker in crowd:
        work_through(campaign, worker)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    set_aside(campaign, crowd[0], "careless", "a test")
    campaign.refresh_from_db()
    assert campaign.state == "open"
    for worker in crowd:
        assert next_assignment(campaign, worker) is None
    assert waiting_places(campaign) == campaign.hits.count()
    work_through(campaign, Worker.of("local", "a newcomer"))
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    assert set(used_per_hit(campaign).values()) == {9}


def test_a_hit_open_when_its_worker_is_stopped_is_accepted_and_set_aside(campaign, workers):
    worker, _ = workers(2)
    assignment = next_assignment(campaign, worker)
    set_aside(campaign, worker, "careless", "a test")
    assert next_assignment(campaign, worker) == assignment
    assert submit(assignment, answer_no(assignment)).status == "stored"
    assignment.refresh_from_db()
    assert (assignment.outcome, assignment.set_aside) == ("accepted", True)
    assert not used_per_hit(campaign)
    assert Place.objects.filter(free_at__lte=timezone.now()).count() == 3 * campaign.hits.count()
    assert next_assignment(campaign, worker) is None


def test_a_returned_hit_is_free_at_once(campaign, workers):
    (worker,) = workers(1)
    assignment = next_assignment(campaign, worker)
    assert give_back(assignment)
    assert not give_back(assignment)
    assert Place.objects.filter(free_at__lte=timezone.now()).count() == 3 * campaign.hits.count()
    assert next_assignment(campaign, worker) is not None


# Rule P4: never twice


def test_the_database_itself_refuses_a_second_answer_to_a_hit(campaign, workers):
    (worker,) = workers(1)
    assignment = next_assignment(campaign, worker)
    submit(assignment, answer_no(assignment))
    with pytest.raises(IntegrityError, match="a_worker_answers_a_hit_once"), transaction.atomic():
        Assignment.objects.create(campaign=campaign, hit=assignment.hit, worker=worker)


def test_a_worker_never_judges_a_pair_twice(campaign, workers):
    for worker in workers(3):
        work_through(campaign, worker)
        items = HITItem.objects.filter(hit__assignments__worker=worker, role="study")
        pairs = items.values_list("pair_id", flat=True)
        assert len(pairs) == len(set(pairs)) > 0


def test_asking_again_gives_the_running_assignment_again(campaign, workers):
    (worker,) = workers(1)
    assert next_assignment(campaign, worker) == next_assignment(campaign, worker)
    assert Assignment.objects.count() == 1


# Rules P5 and P9: expiry and late answers


def test_an_expired_place_goes_to_another_and_the_late_answer_is_kept_but_not_used(
    dataset, workers
):
    campaign = _one_place(dataset)
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
    campaign = _one_place(dataset)
    (slow,) = workers(1)
    assignment = next_assignment(campaign, slow)
    expire(assignment)
    assert submit(assignment, answer_no(assignment)).status == "stored"
    campaign.refresh_from_db()
    assert campaign.state == "finished"


def test_an_expired_assignment_does_not_count_as_an_answer(dataset, workers):
    campaign = _one_place(dataset)
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
    campaign = _one_place(dataset)
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


def test_a_sign_of_life_renews_the_time_but_never_past_assignment_minutes(campaign, workers):
    (worker,) = workers(1)
    assignment = next_assignment(campaign, worker)
    allowed = assignment.expires_at - assignment.opened_at
    assert allowed == timedelta(minutes=10)  # 5 x the expected time is less
    opened = assignment.opened_at - timedelta(minutes=9)
    Assignment.objects.filter(pk=assignment.pk).update(opened_at=opened)
    renew(assignment)
    assignment.refresh_from_db()
    assert assignment.expires_at >= assignment.opened_at + timedelta(minutes=18)
    assert assignment.place.free_at == assignment.expires_at
    opened = assignment.opened_at - timedelta(minutes=50)
    Assignment.objects.filter(pk=assignment.pk).update(opened_at=opened)
    before = assignment.expires_at
    renew(assignment)
    assignment.refresh_from_db()
    assert assignment.expires_at == max(before, opened + timedelta(minutes=60))


# Rules P8 and L5: order


def test_hits_come_in_another_order_for_each_worker_and_tiles_for_each_assignment(workers):
    campaign = _published(make_dataset(images=40, labels=20), grid_size=12)
    orders, shown = set(), set()
    for worker in workers(3):
        order = []
        while assignment := next_assignment(campaign, worker):
            submit(assignment, answer_no(assignment))
            order.append(assignment.hit_id)
            if assignment.hit.items.count() > 5:
                shown.add((assignment.hit_id, tuple(assignment.shown)))
        orders.add(tuple(order))
        assert order != sorted(order)
    assert len(orders) == 3
    by_hit = Counter(hit for hit, _ in shown)
    assert max(by_hit.values()) == 3


# Concurrency, for real


@pytest.mark.django_db(transaction=True)
def test_many_threads_never_exceed_the_target_and_never_give_a_hit_twice(workers):
    """24 impatient workers in 8 threads return work, let it expire; one of them is set aside."""
    campaign = _published(make_dataset(images=24, labels=12), grid_size=12)
    crowd = workers(24)
    errors: list[BaseException] = []

    def live(mine: list[Worker], seed: int) -> None:
        rng = random.Random(seed)
        try:
            busy = list(mine)
            while busy:
                worker = rng.choice(busy)
                assignment = next_assignment(campaign_of_thread(), worker)
                if assignment is None:
                    busy.remove(worker)
                elif rng.random() < 0.1:
                    give_back(assignment)
                elif rng.random() < 0.1:
                    expire(assignment)
                else:
                    submit(assignment, answer_no(assignment))
                    if rng.random() < 0.2:
                        assert submit(assignment, answer_no(assignment)).status == "repeated"
                if worker == crowd[0] and rng.random() < 0.2:
                    set_aside(campaign, worker, "a test", "a test")
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    def campaign_of_thread() -> Campaign:
        return Campaign.objects.get(pk=campaign.pk)

    threads = [
        threading.Thread(target=live, args=(crowd[number::8], number)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    work_through(campaign_of_thread(), crowd[5])
    campaign.refresh_from_db()
    counts = used_per_hit(campaign)
    assert max(counts.values()) <= 9
    assert campaign.state == "finished"
    assert set(counts.values()) == {9}
    answered = Assignment.objects.filter(state="submitted").values_list("hit_id", "worker_id")
    assert len(answered) == len(set(answered))


def _published(dataset, **settings) -> Campaign:
    campaign = Campaign.objects.create(
        name="Made", slug="made", dataset=dataset, kind="contains", **settings
    )
    publish(campaign, "a test")
    return campaign


def _one_place(dataset) -> Campaign:
    """One HIT that wants one answer."""
    return _published(
        dataset,
        images=["000.jpg"],
        workers_per_item=1,
        round_size=1,
        candidates={"classifiers": ["first"], "k": 1},
    )


@pytest.mark.django_db(transaction=True)
def test_work_is_given_out_while_a_campaign_is_locked(campaign, workers):
    (worker,) = workers(1)
    given = []

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        given.append(next_assignment(campaign, worker))
        connection.close()

    with transaction.atomic():
        Campaign.locked(campaign.pk)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(given) == 1
