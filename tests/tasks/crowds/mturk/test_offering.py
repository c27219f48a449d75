"""Offering HITs on MTurk: exactly one each, whatever call breaks and whenever it is repeated."""

import json
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.campaigns.changing import change
from tasks.crowds import CrowdError, Unavailable, crowd_of
from tasks.crowds.mturk import client, marketplace
from tasks.crowds.mturk.client import Client, Pace, in_parallel
from tasks.crowds.mturk.hit_types import TITLES
from tasks.crowds.mturk.models import Listing
from tasks.models import HIT, Place
from tasks.simulation.rehearsal.faults import EVERYTHING, Faults
from tasks.work.rounds import open_round
from tests.studies.killed_calls import Killed, kill_at

pytestmark = pytest.mark.django_db(transaction=True)


def offered(campaign, market) -> None:
    """One MTurk HIT for each listing, as many assignments as places, all of it to be had."""
    hits = list(market.hits.values())
    annotations = Counter(hit.annotation for hit in hits)
    assert set(annotations.values()) == {1}
    hits_on_offer: Counter = Counter()
    for hit in hits:
        hits_on_offer[market.external_url(hit).rstrip("/").rsplit("/", 1)[-1]] += (
            hit.max_assignments
        )
        assert hit.max_assignments <= 9
        assert hit.status(market.clock.now()) == "Assignable"
    places = Counter(
        Place.objects.filter(campaign=campaign).values_list("hit__public_id", flat=True)
    )
    assert hits_on_offer == places
    known = dict(Listing.objects.values_list("market_id", "max_assignments"))
    assert known == {hit.id: hit.max_assignments for hit in hits}


def test_hits_are_offered_as_they_are_stored(open_for_mturk, market):
    campaign = open_for_mturk(title="Look", keywords="pictures, animals", lifetime_days=2)
    HIT.objects.filter(campaign=campaign, key="hit-6").update(reward=Decimal("0.40"))
    marketplace.offer(campaign)
    offered(campaign, market)
    assert sorted(str(hit.type.reward) for hit in market.hits.values()) == ["0.25", "0.40"]
    hit = next(iter(market.hits.values()))
    assert market.external_url(hit).startswith("https://second-look.example/hit/")
    assert hit.type.fields["Title"] == "Look"
    assert hit.type.duration == timedelta(minutes=60)
    assert hit.expires - hit.created == timedelta(days=2)
    before = dict(market.calls)
    marketplace.offer(campaign)
    assert market.calls == before


def test_rounds_fill_a_hit_up_to_nine_and_then_a_second_one(open_for_mturk, market):
    campaign = open_for_mturk(workers_per_item=21, round_size=6, lifetime_days=1)
    marketplace.offer(campaign)
    for number in (1, 2, 3):
        market.clock.move(timedelta(days=3))
        open_round(campaign, after=number, who="a test")
        campaign.refresh_from_db()
        marketplace.offer(campaign)
        offered(campaign, market)
    assert Counter(hit.max_assignments for hit in market.hits.values()) == {9: 4, 3: 2}
    assert {hit.began_with for hit in market.hits.values()} <= set(range(1, 10))


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("days", [0, 3], ids=["at once", "days later"])
def test_killed_at_any_call_and_run_again(open_for_mturk, market, monkeypatch, after_effect, days):
    campaign = open_for_mturk(workers_per_item=14, round_size=7)
    number = 0
    finished = False
    while not finished:
        number += 1
        with monkeypatch.context() as patch:
            kill_at(patch, Client, "call", number, after_effect)
            try:
                marketplace.offer(campaign)
                finished = True
            except Killed:
                market.clock.move(timedelta(days=days))
        if number % 4 == 0 or finished:
            marketplace.offer(campaign)
            offered(campaign, market)
            if campaign.round == 1:
                open_round(campaign, after=1, who="a test")
                campaign.refresh_from_db()
                finished = False
    assert campaign.round == 2
    assert not marketplace.unknown(campaign)


def test_with_every_fault_on(open_for_mturk, server, market):
    server.trouble.faults = Faults(
        throttled=0.05, failed=0.05, lost=0.02, dropped=0.1, unclear=0.05
    )
    campaign = open_for_mturk(images=36, per_hit=3, workers_per_item=12, round_size=6)
    for _ in range(2):
        marketplace.offer(campaign)
        offered(campaign, market)
        open_round(campaign, after=campaign.round, who="a test")
        campaign.refresh_from_db()
    server.trouble.faults = EVERYTHING
    marketplace.withdraw(campaign)
    assert not market.open_hits()


def test_what_is_not_wanted_any_more_cannot_be_accepted(open_for_mturk, market):
    campaign = open_for_mturk()
    marketplace.offer(campaign)
    assert marketplace.places_available(campaign) == 6
    Place.objects.filter(hit__key="hit-0").delete()
    marketplace.offer(campaign)
    assert len(market.open_hits()) == 1
    marketplace.withdraw(campaign)
    assert not market.open_hits()
    assert marketplace.places_available(campaign) == 0
    marketplace.offer(campaign)
    assert len(market.open_hits()) == 1


def test_a_hit_that_nobody_here_knows_is_reported_and_left_alone(open_for_mturk, market):
    campaign = open_for_mturk()
    marketplace.offer(campaign)
    lost = Listing.objects.get(hit__key="hit-0")
    lost.delete()
    assert marketplace.unknown(campaign) == [lost.market_id]
    marketplace.withdraw(campaign)
    assert [hit.id for hit in market.open_hits()] == [lost.market_id]


def test_an_endpoint_that_does_not_answer_says_what_became_of_mturk(open_for_mturk, settings):
    campaign = open_for_mturk()
    settings.MTURK_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(CrowdError, match="closed Mechanical Turk for good on September 30, 2026"):
        marketplace.offer(campaign)


@contextmanager
def answering(reply):
    """A server on this machine: `reply(first line of a request)`; None: it says nothing more."""
    silence = threading.Event()

    def serve(connection):
        with connection:
            answer = reply(connection.recv(65536).decode(errors="replace").partition("\r")[0])
            if answer is None:
                silence.wait(60)
            else:
                connection.sendall(answer.encode())

    def accept():
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        silence.set()
        listener.shutdown(socket.SHUT_RDWR)


def http(status: str, body: str, kind: str = "text/html") -> str:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n{body}"


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "403 Forbidden"])
def test_a_web_page_is_not_mturk_and_is_not_said_to_be_silent(open_for_mturk, settings, status):
    campaign = open_for_mturk()
    with answering(lambda line: http(status, "<html></html>")) as settings.MTURK_ENDPOINT_URL:
        with pytest.raises(CrowdError, match="closed Mechanical Turk for good") as refused:
            marketplace.balance(campaign)
        assert "is not MTurk's API" in str(refused.value)
        assert "does not answer" not in str(refused.value)


@pytest.mark.parametrize("silent", ["", "POST"], ids=["to all", "to POST"])
def test_a_service_that_hangs_holds_a_whole_step_up_once(
    open_for_mturk, settings, monkeypatch, silent
):
    monkeypatch.setattr(client, "READ", 0.5)
    monkeypatch.setattr(client, "SILENCE", 1)
    campaign = open_for_mturk(images=72, per_hit=1)
    with answering(
        lambda line: None if line.startswith(silent) else http("200 OK", "")
    ) as settings.MTURK_ENDPOINT_URL:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="no answer within"):
            marketplace.balance(campaign)
        with pytest.raises(Unavailable, match="no answer within"):
            marketplace.offer(campaign)
        assert time.monotonic() - began < 5
        connected = Client(settings.MTURK_ENDPOINT_URL)
        began = time.monotonic()
        calls = in_parallel(range(200), lambda n: connected.call("get_hit", HITId=f"3{n}"))
        with pytest.raises(Unavailable):
            list(calls)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("400 Bad Request", {"__type": "UnrecognizedClientException", "message": "The token"}),
        ("403 Forbidden", {"__type": "InvalidSignatureException", "message": "Not it"}),
        ("401 Unauthorized", {"__type": "RequestError", "message": "Go away"}),
        (
            "400 Bad Request",
            {
                "__type": "RequestError",
                "Message": "no",
                "TurkErrorCode": "AWS.MechanicalTurk.NotAuthorized",
            },
        ),
    ],
)
def test_a_wrong_key_is_named_by_its_variables(open_for_mturk, settings, status, error):
    campaign = open_for_mturk()
    refusal = http(status, json.dumps(error), "application/x-amz-json-1.1")
    with answering(lambda line: refusal) as settings.MTURK_ENDPOINT_URL:
        with pytest.raises(Unavailable, match="check AWS_ACCESS_KEY_ID and AWS_SECRET") as refused:
            marketplace.balance(campaign)
        assert "does not answer" not in str(refused.value)


def test_a_refusal_is_one_line_that_says_why(open_for_mturk, market):
    campaign = open_for_mturk()
    market.balance = Decimal("0.50")
    with pytest.raises(CrowdError, match="InsufficientFunds"):
        marketplace.offer(campaign)
    market.balance = Decimal(100)
    marketplace.offer(campaign)
    offered(campaign, market)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("PUBLIC_URL", "", "PUBLIC_URL is not set"),
        ("PUBLIC_URL", "http://example.org", "https only"),
        ("qualifications", [{"Comparator": "In"}], "QualificationTypeId"),
        ("qualifications", [{"QualificationTypeId": "1", "Comparator": "Is"}], "none of LessThan"),
        ("qualifications", {"not": "a list"}, "qualifications"),
        ("qualifications", 11 * [{"QualificationTypeId": "1", "Comparator": "Exists"}], "11"),
    ],
)
def test_what_mturk_would_not_take_is_said_before(open_for_mturk, settings, field, value, message):
    campaign = open_for_mturk()
    assert crowd_of(campaign).missing(campaign) == []
    setattr(settings if field.isupper() else campaign, field, value)
    (sentence,) = crowd_of(campaign).missing(campaign)
    assert message in sentence


def test_the_masters_have_another_id_in_the_sandbox(open_for_mturk, market):
    masters = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
    campaign = open_for_mturk(
        qualifications=[
            {"QualificationTypeId": masters, "Comparator": "Exists"},
            {
                "QualificationTypeId": "000000000000000000L0",
                "Comparator": "GreaterThan",
                "IntegerValues": [95],
            },
        ]
    )
    marketplace.offer(campaign)
    (kind,) = market.types.values()
    asked = [
        requirement["QualificationTypeId"]
        for requirement in kind.fields["QualificationRequirements"]
    ]
    assert asked == ["2ARFPLSP75KLA8M8DH1HTEQVJT3SY6", "000000000000000000L0"]


def test_what_is_tried_again_counts_towards_the_rate_too(server, monkeypatch):
    waits = []
    monkeypatch.setattr(Pace, "wait", lambda self, **event: waits.append(event["request"].url))
    server.trouble.next = ["failed", "failed", ""]
    Client(server.address).call("get_account_balance")
    assert len(waits) == 3


def test_a_changed_title_or_deadline_reaches_hits_that_are_on_offer(open_for_mturk, market):
    campaign = open_for_mturk()
    marketplace.offer(campaign)
    change(campaign, {"title": "Look again", "assignment_minutes": 20}, "a test")
    marketplace.offer(campaign)
    offered(campaign, market)
    for hit in market.hits.values():
        assert (hit.type.fields["Title"], hit.type.duration) == (
            "Look again",
            timedelta(minutes=20),
        )
    before = dict(market.calls)
    marketplace.offer(campaign)
    assert market.calls == before
    change(campaign, {"title": ""}, "a test")
    Listing.objects.update(hit_type="")  # as of a call whose answer was lost
    marketplace.offer(campaign)
    assert {hit.type.fields["Title"] for hit in market.hits.values()} == {TITLES["contains"]}


def test_a_higher_r_tops_hits_up_or_makes_further_ones(open_for_mturk, market):
    campaign = open_for_mturk()
    marketplace.offer(campaign)
    for target, (first, *more) in ((9, [9]), (12, [9, 3])):
        assert change(campaign, {"workers_per_item": target}, "a test")
        while campaign.target < target:
            assert open_round(campaign, campaign.round, "a test")
            campaign.refresh_from_db()
        marketplace.offer(campaign)
        offered(campaign, market)
        sizes = Counter(hit.max_assignments for hit in market.hits.values())
        assert sizes == Counter({first: 2} | dict.fromkeys(more, 2))
