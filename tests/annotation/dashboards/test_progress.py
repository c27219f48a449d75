"""The progress page counts places and answers, for people with a role."""

import pytest

from annotation.dashboards.progress import count_progress
from tasks.models import Worker
from tasks.work.claiming import next_assignment
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import make_user
from tests.studies.odd_pictures import make_pictures, open_campaign


@pytest.fixture
def campaign(db, tmp_path):
    return open_campaign(make_pictures(tmp_path), "contains", workers_per_item=3, round_size=2)


def test_it_counts_places_and_answers(campaign):
    ada, bob = (Worker.of("local", name) for name in ("ada", "bob"))
    for worker in (ada, bob):
        submit(next_assignment(campaign, worker), {"selected": [], "maybe": [], "unseen": []})
    next_assignment(campaign, ada)
    set_aside(campaign, bob, "careless", "a test")
    progress = count_progress(campaign)
    (first,) = progress.rounds
    assert (first.answered, first.running, first.free, first.places) == (1, 1, 2, 4)
    assert (progress.answered, progress.wanted, progress.hits) == (1, 6, 2)
    assert (progress.workers, progress.used, progress.set_aside, progress.late) == (2, 1, 1, 0)


def test_people_with_a_role_see_it_and_nobody_else(campaign, admin_client, client):
    address = f"/campaigns/{campaign.slug}/"
    html = admin_client.get(address).content.decode()
    assert "0 of 6" in html
    assert campaign.public_id in html
    assert admin_client.get("/campaigns/nothing/").status_code == 404
    assert client.get(address).status_code == 302
    client.force_login(make_user("worker"))
    assert client.get(address).status_code == 404
    client.force_login(make_user("reader", "viewer"))
    assert client.get(address).status_code == 200
