"""Work given out by the site: order, never twice, returns, concurrency (rules P4 to P8, L5)."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tasks.models import Assignment, Campaign, HITItem, Place, Worker
from tasks.work.claiming import give_back, next_assignment, renew
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, make_dataset, work_through
from tests.studies.places import expire, publish_contains, used_per_hit


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


def test_a_returned_hit_is_free_at_once(campaign, workers):
    (worker,) = workers(1)
    assignment = next_assignment(campaign, worker)
    assert give_back(assignment)
    assert not give_back(assignment)
    assert Place.objects.filter(free_at__lte=timezone.now()).count() == 3 * campaign.hits.count()
    assert next_assignment(campaign, worker) is not None


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


def test_a_sign_of_life_renews_the_time_but_never_past_assignment_minutes(campaign, workers):
    (worker,) = workers(1)
    assignment = next_assignment(campaign, worker)
    allowed = assignment.expires_at - assignment.opened_at
    assert allowed == timedelta(minutes=10)  # 5 x the expected time is less
    opened = assignment.opened_at - timedelta(minutes=9)
    Assignment.objects.filter(pk=assignment.pk).update(opened_at=opened)
    renew(assignment, "other choices")
    assignment.refresh_from_db()
    assert assignment.expires_at >= assignment.opened_at + timedelta(minutes=18)
    assert assignment.place.free_at == assignment.expires_at
    opened = assignment.opened_at - timedelta(minutes=50)
    Assignment.objects.filter(pk=assignment.pk).update(opened_at=opened)
    before = assignment.expires_at
    renew(assignment, "other choices")
    assignment.refresh_from_db()
    assert assignment.expires_at == max(before, opened + timedelta(minutes=60))


def test_hits_come_in_another_order_for_each_worker_and_tiles_for_each_assignment(workers):
    campaign = publish_contains(make_dataset(images=40, labels=20), grid_size=12)
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


@pytest.mark.django_db(transaction=True)
def test_many_threads_never_exceed_the_target_and_never_give_a_hit_twice(workers):
    """24 impatient workers in 8 threads return work, let it expire; one of them is set aside."""
    campaign = publish_contains(make_dataset(images=24, labels=12), grid_size=12)
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
