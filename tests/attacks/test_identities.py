"""One person, many identities: what visitors without an invitation can take (rules V1 and V3)."""

import pytest
from django.db import connection
from django.test import Client

from tasks.crowds.local.networks import network_of
from tasks.models import Arrival, Assignment, Campaign, Place, Worker
from tasks.work.claiming import give_back
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.places import expire
from tests.studies.threads import at_once
from tests.studies.visitors import answer_one, begin, begun, door, invite, is_at_work, says

pytestmark = pytest.mark.django_db

FULL = "Ask the people who run the study for an invitation"


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path)


def wide(dataset, kind="contains", **settings) -> Campaign:
    """Two HITs of many places each, so that places run out for nobody."""
    return open_campaign(dataset, kind, workers_per_item=200, round_size=200, **settings)


def test_a_client_without_cookies_gets_nothing_of_a_campaign_by_invitation(dataset):
    campaign = open_campaign(dataset, "contains", open="invited", workers_per_item=9)
    for _ in range(27):
        assert "by invitation" in says(begin(door(campaign)))
    assert Worker.objects.count() == Assignment.objects.count() == 0


def test_many_visits_from_one_address_hold_up_no_study(dataset, settings):
    assert settings.VISITORS_AT_ONCE == settings.NEW_VISITORS_PER_HOUR == 60
    settings.VISITORS_AT_ONCE = 20
    campaign = open_campaign(dataset, "contains", workers_per_item=15, round_size=15)
    for _ in range(50):
        assert Client().get(door(campaign)).status_code == 200
    assert Worker.objects.count() == Arrival.objects.count() == 0
    attempts = [begin(door(campaign), at="203.0.113.9") for _ in range(40)]
    assert sum(map(is_at_work, attempts)) == 20  # of 30 places
    assert all(FULL in says(response) for response in attempts[20:])
    assert Worker.objects.count() == 20
    assert is_at_work(begin(door(campaign), at="203.0.113.10"))
    assert is_at_work(begin(invite(campaign), at="203.0.113.9"))
    campaign.refresh_from_db()
    assert (campaign.round, campaign.target) == (1, 15)


def test_a_class_of_thirty_behind_one_address_works_and_so_does_the_next(dataset, settings):
    settings.VISITORS_AT_ONCE = settings.NEW_VISITORS_PER_HOUR = 30
    campaign = wide(dataset)
    pupils = [Client() for _ in range(30)]
    for pupil in pupils:
        answer_one(pupil, begin(door(campaign), pupil))
    next_class = [begin(door(campaign)) for _ in range(31)]
    assert list(map(is_at_work, next_class)) == [True] * 30 + [False]
    pupil = begun(door(campaign), pupils[0])  # on to the HIT that is open
    give_back(Assignment.objects.get(worker=pupil, state="open"))
    other = wide(dataset, "classify")
    assert begun(door(other), pupils[0]) == pupil  # has a used answer


def test_open_hits_are_counted_for_as_long_as_they_are_kept(dataset, settings):
    settings.VISITORS_AT_ONCE, settings.NEW_VISITORS_PER_HOUR = 2, 100
    campaign = wide(dataset)
    ann, bob = Client(), Client()
    begin(door(campaign), ann), begin(door(campaign), bob)
    assert FULL in says(begin(door(campaign)))
    assert is_at_work(begin(door(campaign), ann))  # on to the HIT that is open
    for assignment in Assignment.objects.all():
        expire(assignment)
    assert is_at_work(begin(door(campaign)))
    assert is_at_work(begin(door(campaign), ann))
    assert FULL in says(begin(door(campaign), bob))


def test_new_people_are_counted_by_the_hour(dataset, settings):
    settings.VISITORS_AT_ONCE, settings.NEW_VISITORS_PER_HOUR = 100, 2
    one, other = wide(dataset), wide(dataset, "classify")
    ann = Client()
    begin(door(one), ann)
    assert is_at_work(begin(door(other), ann))  # nobody new
    assert is_at_work(begin(door(other)))
    assert FULL in says(begin(door(one)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tasks_arrival SET at = now() - interval '61 minutes'")
    assert is_at_work(begin(door(one)))


def test_a_network_is_an_ipv4_address_or_an_ipv6_64(dataset, settings):
    settings.NEW_VISITORS_PER_HOUR = 2
    campaign = wide(dataset)
    same = ["2001:db8:0:1::1", "2001:db8:0:1:ffff:eeee:dddd:cccc", "2001:db8:0:1::3"]
    assert [is_at_work(begin(door(campaign), at=at)) for at in same] == [True, True, False]
    assert is_at_work(begin(door(campaign), at="2001:db8:0:2::1"))
    mapped = ["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7"]
    assert [is_at_work(begin(door(campaign), at=at)) for at in mapped] == [True, True, False]
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("") == network_of("nonsense") == "unknown"


def test_nobody_names_their_own_address(dataset, settings):
    settings.NEW_VISITORS_PER_HOUR = 1
    campaign = wide(dataset)
    assert is_at_work(begin(door(campaign)))
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"):
        disguised = Client(headers={header: "198.51.100.1"})
        assert FULL in says(begin(door(campaign), disguised))


@pytest.mark.django_db(transaction=True)
def test_of_strangers_who_begin_at_once_no_more_get_in_than_one_by_one(dataset, settings):
    settings.VISITORS_AT_ONCE, settings.NEW_VISITORS_PER_HOUR = 3, 100
    campaign = wide(dataset)
    responses = at_once(*[lambda: begin(door(campaign))] * 8)
    assert sum(map(is_at_work, responses)) == 3
    assert Place.objects.filter(holder__isnull=False).count() == Worker.objects.count() == 3


def test_one_cookie_is_one_worker_however_often_they_begin(dataset):
    campaign = wide(dataset)
    browser = Client()
    assert len({begun(door(campaign), browser) for _ in range(3)}) == 1
    assert Worker.objects.count() == Assignment.objects.count() == Arrival.objects.count() == 1


def test_what_a_begin_costs_does_not_grow_with_the_campaign(
    dataset, settings, django_assert_max_num_queries
):
    """The counts read one network's visitors by an index, and no campaign."""
    campaign = wide(dataset)
    begin(door(campaign))
    with django_assert_max_num_queries(40):
        begin(door(campaign))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT count(*) FROM tasks_arrival v WHERE v.network = '::' AND v.is_visitor"
            " AND v.begun_at > now() - interval '1 day'"
        )
        assert "arrival_of_visitors" in str(cursor.fetchall())
