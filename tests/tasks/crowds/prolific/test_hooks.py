"""Prolific's hooks: subscribed and confirmed once; only what it signed asks for a sync."""

import json
import time

import pytest
from django.test import Client as Browser

from annotation import hooks as pages
from tasks.crowds.prolific.hooks import keep_hooks, sign
from tasks.crowds.prolific.market import offer
from tasks.crowds.prolific.models import Hook
from tests.studies.prolific_stand_in import begun

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


def test_a_subscription_is_made_once_and_confirmed_by_what_came(campaign, market):
    keep_hooks(campaign)
    assert len(market.subscriptions) == 2
    for subscription in market.subscriptions.values():
        assert subscription["target_url"] == "https://second-look.example/hooks/prolific/"
        secret = subscription["confirmation"]
        Browser().post("/hooks/prolific/", headers={"X-Hook-Secret": "forged" + secret})
        Browser().post("/hooks/prolific/", headers={"X-Hook-Secret": secret})
    keep_hooks(campaign)
    assert all(s["is_enabled"] for s in market.subscriptions.values())
    assert Hook.objects.get().confirmed
    calls = market.calls.total()
    keep_hooks(campaign)
    assert market.calls.total() == calls


def test_a_secret_of_the_workspace_is_not_replaced(open_for_prolific, market):
    market.secret = "somebody-elses-too"
    offer(open_for_prolific(), 1)
    assert market.secret == Hook.objects.get().secret == "somebody-elses-too"


def test_a_signed_event_asks_for_a_sync_however_often_it_comes(campaign, market, queued):
    for _ in range(2):
        assert send(market, event_of(market)).status_code == 204
    submission = market.take(market.studies[event_of(market)["resource_id"]], "a" * 24)
    begun(campaign, submission)
    event = {
        "event_type": "submission.status.change",
        "resource_id": submission.id,
        "participant_id": submission.participant,
        "status": "RETURNED",
    }
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


def test_hooks_that_cannot_be_had_are_no_trouble(open_for_prolific, prolific, market):
    campaign = open_for_prolific()
    real = market.list_secrets
    type(market).list_secrets = None
    try:
        offer(campaign, 2)
    finally:
        type(market).list_secrets = real.__func__
    (study,) = market.studies.values()
    assert study.status == "ACTIVE"
