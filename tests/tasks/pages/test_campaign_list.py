"""/tasks/: what open studies pay, and what became of a worker's own sets."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tasks.campaigns.publish import close
from tasks.models import HIT, Assignment, Campaign, Payment, Worker
from tasks.money import owe_bonus
from tasks.pages.offers import ENOUGH, offers
from tasks.work.claiming import give_back, next_assignment
from tasks.work.review import reject
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, work_through
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.places import expire
from tests.studies.visitors import begun, door, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path)


def paid(dataset, kind="contains", per_hit=1, **settings) -> Campaign:
    """Twelve HITs, of $0.25 each."""
    campaign = open_campaign(dataset, kind, per_hit=per_hit, **settings)
    HIT.objects.filter(campaign=campaign).update(reward="0.25")
    return campaign


def answer_one(campaign: Campaign, worker: Worker, seconds: float = 20) -> Assignment:
    assignment = next_assignment(campaign, worker)
    assert assignment is not None
    Assignment.objects.filter(pk=assignment.pk).update(
        opened_at=assignment.opened_at.replace(year=2020)
    )
    return submit(assignment, answer_no(assignment) | {"active_seconds": seconds}).assignment


def test_a_worker_reads_what_became_of_each_set_and_why(dataset):
    campaign = paid(dataset, workers_per_item=1, round_size=1, review_sample=2, rejection=True)
    ended = paid(dataset, slug="ended", name="The one before", rejection=True)
    browser = Client()
    worker = begun(door(campaign), browser)
    rejected, _ = (answer_one(campaign, worker) for _ in range(2))
    reject(rejected, "Every picture was left <out>.", "a test")
    for _ in range(3):
        done = answer_one(campaign, worker)
    owe_bonus(done, Decimal("0.10"), "thorough")
    Payment.objects.filter(assignment=answer_one(campaign, worker)).update(state="paid")
    give_back(next_assignment(campaign, worker))
    late = next_assignment(campaign, worker)
    expire(late)
    expire(next_assignment(campaign, worker))
    assert work_through(campaign, Worker.of("local", "another")) == 7
    submit(late, answer_no(late))
    begun(door(ended), browser)
    answer_one(ended, worker)
    set_aside(ended, worker, "a secret reason", "a test")
    close(ended, "a test")
    page = says(browser.get("/tasks/"))
    now, _, past = page.partition("What you have done before")
    assert "You have answered <strong>6 sets</strong>" in now
    assert "You are owed <strong>$0.85</strong>. You were paid <strong>$0.25</strong>" in now
    assert re.findall(r"<li>(\d+ \w+)", now) == [
        *("4 accepted", "1 waiting", "1 rejected", "1 sent", "1 not", "1 given"),
    ]
    told = '<span dir="auto">Every picture was left &lt;out&gt;.</span>'
    assert f"Why 1 was rejected: {told}" in now
    assert "The one before" in past
    assert "no more work for you" in past
    assert "1 accepted" in past
    assert "a secret reason" not in page
    stranger = says(Client().get("/tasks/"))
    assert "You have" not in stranger
    assert "The one before" not in stranger


def test_the_wage_is_that_of_the_median_pace_once_there_are_enough_answers(dataset):
    campaign = paid(dataset, workers_per_item=9, round_size=9)
    assert "$15.00 an hour</strong>, which is an estimate" in says(Client().get("/tasks/"))
    workers = [Worker.of("local", f"w{n}") for n in range(3)]
    for number in range(ENOUGH - 1):
        answer_one(campaign, workers[number % 3], seconds=10 + number)
    assert offers([campaign])[campaign.pk].is_estimate
    careless = Worker.of("local", "careless")
    for _ in range(12):
        answer_one(campaign, careless, seconds=0.5)
    set_aside(campaign, careless, "careless", "a test")
    answer_one(campaign, workers[1], seconds=10**5)
    offer = offers([campaign])[campaign.pk]
    assert offer.wage == Decimal("46.18")  # of 20 and 19 seconds: (45 + 47.37) / 2
    assert f"{offer.hourly} an hour</strong> at the median pace of the last 20 sets" in says(
        Client().get(door(campaign))
    )
    HIT.objects.update(reward=0)
    unpaid = says(Client().get("/tasks/"))
    assert "takes about" in unpaid
    assert "$" not in unpaid


def test_the_lists_queries_are_few_and_read_no_whole_campaign(dataset):
    browser = Client()
    worker = begun(door(paid(dataset, open="anyone")), browser)
    for number in range(4):
        campaign = paid(dataset, slug=f"more-{number}", per_hit=6)
        answer_one(campaign, worker)
    with CaptureQueriesContext(connection) as queries:
        page = browser.get("/tasks/").content.decode()
    assert page.count("1 accepted") == 4
    assert len(queries) <= 9
    (typical,) = [query["sql"] for query in queries if "percentile" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + typical)
        plan = str(cursor.fetchall())
    assert "place_to_give_out" in plan
    assert "assignment_order" in plan
