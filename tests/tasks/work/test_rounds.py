"""Rounds open one after another, up to R answers a HIT (rule P2)."""

from tasks.campaigns.publish import publish
from tasks.models import Campaign, Place
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no, answer_truly, work_through
from tests.studies.places import used_per_hit


def test_publishing_opens_the_first_round_only(campaign):
    assert (campaign.round, campaign.target) == (1, 3)
    assert campaign.hits.count() > 1
    assert Place.objects.count() == 3 * campaign.hits.count()


def test_the_next_round_opens_when_all_places_are_answered(campaign, workers):
    first, second, third, fourth = workers(4)
    for worker in (first, second):
        assert work_through(campaign, worker) == campaign.hits.count()
        assert campaign.round == 1
    assert work_through(campaign, third) == campaign.hits.count()
    assert (campaign.round, campaign.target) == (2, 6)
    assert next_assignment(campaign, fourth).round == 2


def test_the_next_round_opens_when_a_known_worker_may_take_no_free_place(campaign, workers):
    first, second, third, *others = workers(campaign.hits.count() + 2)
    for worker in (first, second):
        work_through(campaign, worker)
    done = next_assignment(campaign, third)
    submit(done, answer_no(done))
    for worker in others:
        next_assignment(campaign, worker)
    campaign.refresh_from_db()
    assert (campaign.round, Place.objects.filter(holder=None).count()) == (1, 0)
    assert next_assignment(campaign, third).round == 2
    campaign.refresh_from_db()
    assert (campaign.round, campaign.target) == (2, 6)


def test_no_round_opens_for_a_worker_who_has_answered_everything(campaign, workers):
    (only,) = workers(1)
    work_through(campaign, only)
    assert next_assignment(campaign, only) is None
    campaign.refresh_from_db()
    assert campaign.round == 1


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
