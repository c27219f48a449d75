"""Prolific's hooks over a connection: a whole study that only they keep in step; TLS and nginx."""

import contextlib
import json
import queue
import ssl
import time
from collections.abc import Iterator

import httpx2
import pytest

from annotation import hooks as pages
from annotation.celery import app
from annotation.serving.web import web_server
from tasks.campaigns.publish import publish
from tasks.crowds.prolific.hooks import sign
from tasks.crowds.prolific.models import Hook
from tasks.crowds.prolific.studies import withdraw
from tasks.market.sync import sync
from tasks.models import Campaign
from tasks.simulation.rehearsal.prolific.audit import audit_sessions
from tasks.simulation.rehearsal.prolific.people import SessionHabits
from tasks.simulation.rehearsal.prolific.server import ProlificServer
from tasks.simulation.rehearsal.prolific.stage import ProlificStage, prolific_stage
from tests.factories import make_dataset
from tests.studies import nginx
from tests.studies.prolific_stand_in import draft_for_prolific

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = SessionHabits(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
PATIENCE = 60.0  # seconds until an event should have come


@pytest.fixture
def campaign(db) -> Campaign:
    return draft_for_prolific(
        make_dataset(), grid_size=12, max_sections=3, session_minutes=1, continue_for_bonus=False
    )


@pytest.fixture
def asked(monkeypatch) -> queue.Queue:
    """Campaigns (ids) of which events asked for a sync."""
    calls: queue.Queue = queue.Queue()
    monkeypatch.setattr(pages, "TOGETHER", 1)
    monkeypatch.setattr(
        pages.sync_campaign, "apply_async", lambda args, **options: calls.put(args[0])
    )
    return calls


@contextlib.contextmanager
def told(campaign: Campaign, address: str) -> Iterator[ProlificStage]:
    """The campaign is published on the stand-in, which tells the site at `address`."""
    with prolific_stage(currency="GBP") as on, on.site(address):
        publish(campaign, "a test")
        assert Hook.objects.get().confirmed
        yield on


def event(on: ProlificStage, secret: str = "", at: float | None = None, **changed: str) -> dict:
    """A request as Prolific sends it."""
    (study,) = on.market.studies.values()
    told = {"event_type": "study.status.change", "resource_id": study.id, "status": study.status}
    body = json.dumps(told | changed).encode()
    stamp = str(int(time.time() if at is None else at))
    return {
        "content": body,
        "headers": {
            "X-Prolific-Request-Timestamp": stamp,
            "X-Prolific-Request-Signature": sign(secret or on.market.secret, stamp, body),
        },
    }


def test_a_study_that_nothing_but_hooks_keeps_in_step(campaign, live_server, asked):
    with told(campaign, live_server.url) as on:
        people = on.crew(12, seed=1, habits=GOOD, careless=0, pictures=False)
        syncs = 0
        while campaign.state == "open":
            people.work()
            assert asked.get(timeout=PATIENCE) == campaign.pk
            sync(campaign, patience=None)
            syncs += 1
            if not on.market.open_studies():
                people.hire(2)
            assert syncs < 60
        while campaign.payments.filter(state="due").exists() or campaign.sessions.filter(
            settled_at=None
        ):
            assert asked.get(timeout=PATIENCE) == campaign.pk
            sync(campaign, patience=None)
        assert audit_sessions(campaign, on.market) == []
        assert syncs <= len(on.market.submissions) * 3  # of events that came twice, far fewer


def test_what_prolific_did_not_sign_or_is_of_others_asks_for_nothing(
    campaign, live_server, asked, monkeypatch
):
    monkeypatch.setattr(ProlificServer, "tell_hooks", lambda server: None)  # the test alone tells
    with told(campaign, live_server.url) as on:
        address = f"{live_server.url}/hooks/prolific/"
        for wrong in (
            event(on, secret="another"),
            event(on, at=time.time() - 3600),
            event(on, at=time.time() + 3600),
            {**event(on), "content": b"{}"},
            {"content": event(on)["content"]},
        ):
            assert httpx2.post(address, **wrong).status_code == 403
        assert httpx2.post(address, **event(on, resource_id="f" * 24)).status_code == 204
        assert asked.empty()
        for _ in range(2):
            assert httpx2.post(address, **event(on)).status_code == 204
        assert asked.get(timeout=PATIENCE) == campaign.pk


def test_hooks_come_over_https_through_nginx(campaign, tmp_path):
    nginx.need()
    certificate = nginx.self_signed(tmp_path)
    with app.connection_for_read() as connection, connection.SimpleQueue("default") as waiting:
        waiting.clear()
    given = {"TRUSTED_PROXIES": "127.0.0.1", "PUBLIC_URL": "https://127.0.0.1"}
    with (
        web_server(environment=given) as site,
        nginx.in_front_of(site, certificate=certificate) as address,
        told(campaign, address) as on,
        app.connection_for_read() as connection,
        connection.SimpleQueue("default") as waiting,
    ):
        assert {s["target_url"] for s in on.market.subscriptions.values()} == {
            f"{address}/hooks/prolific/"
        }
        on.server.trusted = ssl.create_default_context(cafile=certificate)
        withdraw(campaign)  # of what publishing told, nothing may have been trusted
        message = None
        while message is None or message.headers["task"] != "tasks.celery_tasks.sync_campaign":
            message = waiting.get(timeout=PATIENCE)
            message.ack()
        assert message.payload[0] == [campaign.pk]
