"""Setting a worker aside frees their places (rules P3, P7)."""

from django.utils import timezone

from tasks.models import Place, Worker
from tasks.work.claiming import next_assignment
from tasks.work.rounds import waiting_places
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, work_through
from tests.studies.places import used_per_hit


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
