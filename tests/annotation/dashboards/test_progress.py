"""The progress page counts places and answers, for people with a role."""

from datetime import datetime
from decimal import Decimal

import pytest

from annotation.dashboards.progress import count_progress
from annotation.path.times import about
from imagesets.clock import database_now
from tasks.models import Campaign, Worker
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


def test_the_page_and_the_api_tell_the_same_figures(campaign, client):
    Campaign.objects.update(review_sample=1, budget=Decimal("25.00"))
    for name in ("ada", "bob"):
        worker = Worker.of("local", name)
        submit(next_assignment(campaign, worker), {"selected": [], "maybe": [], "unseen": []})
    client.force_login(make_user("rita", "researcher"))
    told = client.get(f"/api/campaigns/{campaign.slug}/").json()
    progress = told["progress"]
    page = client.get(f"/campaigns/{campaign.slug}/")
    now, finish = database_now(), datetime.fromisoformat(progress["expected_finish"])
    assert (progress["answers"], progress["missing"], progress["to_review"]) == (1, 4, 1)
    assert page.context["facts"] == [
        f"{progress['answers']} of {progress['wanted']} answers used, to {progress['hits']} HITs",
        f"${progress['spent']} of ${told['budget']}",
        f"{progress['per_hour']:,.1f} answers an hour",
        f"done {about(finish, now)}",
        f"{progress['missing']} answers still to come",
    ]
    assert float(page.context["percent"]) == progress["percent"]
    assert page.context["step"].sentence == f"{progress['to_review']} answer waits for your review."
