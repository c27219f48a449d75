"""Prolific's hooks: subscribed and confirmed once; only what it signed asks for a sync."""

import json
import time

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from annotation import hooks as pages
from tasks.crowds import CrowdError, crowd_of
from tasks.crowds.prolific.account import learn
from tasks.crowds.prolific.client import Client
from tasks.crowds.prolific.hooks import keep_hooks, sign
from tasks.crowds.prolific.market import offer
from tasks.crowds.prolific.models import Hook
from tests.studies.prolific_stand_in import ATTEMPTS, begun

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(open_for_prolific, market):
    market.subscriptions.clear()
    campaign = open_for_prolific()
    offer(campaign, 2)
    return campaign


@pytest.fixture
def queued(monkeypatch) -> list:
    calls: list = []
    monkeypatch.setattr(
        pages.sync_campaign, "apply_async", lambda args, **options: calls.append(args)
    )
    return calls


def send(market, event: dict, secret: str = "", at: float | None = None, body: bytes = b""):
    stamp = str(int(time.time() if at is None else at))
    body = body or json.dumps(event).encode()
    return Browser().post(
        "/hooks/prolific/",
        data=body,
        content_type="application/json",
        headers={
            "X-Event-ID": "1",
            "X-Prolific-Request-Timestamp": stamp,
            "X-Prolific-Request-Signature": sign(secret or market.secret, stamp, body),
        },
    )


def event_of(market) -> dict:
    (study,) = market.studies.values()
    return {"event_type": "study.status.change", "resource_id": study.id, "status": "PAUSED"}


def enabled(market) -> list[str]:
    return sorted(s["event_type"] for s in market.subscriptions.values() if s["is_enabled"])


BOTH = ["study.status.change", "submission.status.change"]


def test_a_subscription_is_made_once_and_confirmed_by_the_header_of_the_answer(campaign, market):
    keep_hooks(campaign)
    assert len(market.subscriptions) == 2
    assert enabled(market) == BOTH
    for subscription in market.subscriptions.values():
        assert subscription["target_url"] == "https://second-look.example/hooks/prolific/"
    assert Hook.objects.get().confirmed
    calls = market.calls.total()
    keep_hooks(campaign)
    assert market.calls.total() == calls


def test_or_by_what_comes_to_its_address(open_for_prolific, market, monkeypatch):
    campaign = open_for_prolific()
    monkeypatch.setattr(Client, "header", lambda self, name: "")
    offer(campaign, 2)
    assert enabled(market) == []
    for subscription in market.subscriptions.values():
        secret = subscription["confirmation"]
        Browser().post("/hooks/prolific/", headers={"X-Hook-Secret": "forged" + secret})
        Browser().post("/hooks/prolific/", headers={"X-Hook-Secret": secret})
    keep_hooks(campaign)
    assert enabled(market) == BOTH
    assert Hook.objects.get().confirmed
    assert len(market.subscriptions) == 2


@pytest.mark.parametrize("call", range(1, 8))
def test_an_answer_that_is_lost_costs_no_hook(open_for_prolific, prolific, market, call):
    campaign = open_for_prolific()
    learn(campaign)
    prolific.trouble.next = [""] * call + ["dropped"] * ATTEMPTS
    keep_hooks(campaign)
    prolific.trouble.next = []
    keep_hooks(campaign)
    assert enabled(market) == BOTH
    assert Hook.objects.get().confirmed


def test_an_answer_with_one_subscription_will_do(open_for_prolific, market, monkeypatch):
    campaign = open_for_prolific()
    send = Client.send

    def one(self, method, path, body=None):
        answer = send(self, method, path, body)
        return answer["results"][-1] if path == "/hooks/subscriptions/" else answer

    monkeypatch.setattr(Client, "send", one)
    offer(campaign, 2)
    assert enabled(market) == BOTH


def test_a_secret_of_the_workspace_is_not_replaced(open_for_prolific, market):
    market.secret = "somebody-elses-too"
    offer(open_for_prolific(), 1)
    assert market.secret == Hook.objects.get().secret == "somebody-elses-too"


def test_signed_events_that_come_together_ask_for_one_sync(campaign, market, queued, monkeypatch):
    monkeypatch.setattr(pages, "TOGETHER", 60)
    study = event_of(market)
    submission = market.take(market.studies[study["resource_id"]], "a" * 24)
    begun(campaign, submission)
    returned = {
        "event_type": "submission.status.change",
        "resource_id": submission.id,
        "participant_id": submission.participant,
        "status": "RETURNED",
    }
    for event in (study, study, returned):
        assert send(market, event).status_code == 204
    assert queued == [[campaign.pk]]
    for event in (study, returned):
        cache.delete(f"prolific-told-of-{campaign.pk}")  # some seconds later
        assert send(market, event).status_code == 204
    assert queued == [[campaign.pk]] * 3


def test_signed_news_of_others_studies_is_taken_and_asks_for_nothing(campaign, market, queued):
    for event in ({"resource_id": "c" * 24}, {"resource_id": ""}, {}):
        assert send(market, event).status_code == 204
    assert send(market, {}, body=b"[]").status_code == 204
    assert send(market, {}, body=b"\xff").status_code == 204
    assert queued == []


def test_what_is_not_signed_or_old_is_refused(campaign, market, queued):
    event = event_of(market)
    assert send(market, event, secret="another").status_code == 403
    assert send(market, event, at=time.time() - 3600).status_code == 403
    assert Browser().post("/hooks/prolific/").status_code == 403
    assert Browser().get("/hooks/prolific/").status_code == 405
    for stamp in ("\N{SUPERSCRIPT TWO}", "-1", "1" * 13, "x"):
        headers = {"X-Prolific-Request-Timestamp": stamp}
        assert Browser().post("/hooks/prolific/", headers=headers).status_code == 403
    assert Browser().get("/hooks/prolific/").status_code == 405
    assert queued == []


@pytest.mark.parametrize("answer", [CrowdError("no"), None, {}, {"results": [{}]}, "<html>"])
def test_hooks_that_cannot_be_had_are_no_trouble(open_for_prolific, market, monkeypatch, answer):
    campaign = open_for_prolific()
    real = {"read": Client.read, "send": Client.send}

    def answering(name):
        def call(self, *args, **parameters):
            path = next(arg for arg in args if arg.startswith("/"))
            if not path.startswith("/hooks/"):
                return real[name](self, *args, **parameters)
            if isinstance(answer, CrowdError):
                raise answer
            return answer

        return call

    for name in real:
        monkeypatch.setattr(Client, name, answering(name))
    offer(campaign, 2)
    (study,) = market.studies.values()
    assert study.status == "ACTIVE"
    assert not Hook.objects.get().confirmed


def test_none_is_asked_for_where_the_site_has_no_https(open_for_prolific, market, settings, caplog):
    settings.PUBLIC_URL = "http://second-look.example"
    campaign = open_for_prolific()
    offer(campaign, 2)
    assert not market.subscriptions
    (line,) = [record.message for record in caplog.records if "hooks" in record.message]
    assert "need https, and PUBLIC_URL is http://second-look.example" in line


@pytest.mark.parametrize("public", ["http://second-look.example", "http://127.0.0.1:8000", ""])
def test_a_study_of_the_real_prolific_needs_https(open_for_prolific, settings, public):
    campaign = open_for_prolific()
    settings.PUBLIC_URL = public
    settings.PROLIFIC_API_URL = "https://api.prolific.com"
    (wrong,) = crowd_of(campaign).missing(campaign)
    assert wrong.startswith("PUBLIC_URL is")
