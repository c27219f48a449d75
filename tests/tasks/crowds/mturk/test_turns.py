"""A step that finds the turn of a sync taken: the person reads so, and the step is repeated."""

import io
import json
import threading

import pytest
from celery.exceptions import Retry
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from kombu.exceptions import OperationalError

from imagesets.locks import Lock
from tasks.campaigns import publish as publishing
from tasks.campaigns.publish import NotYetTold, pause
from tasks.celery_tasks import sync_campaign
from tasks.market.sync import put_before_crowd, sync
from tasks.models import HITItem
from tasks.responses import import_responses, importing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(open_for_mturk, market):
    """A campaign whose HITs stand before the crowd."""
    made = open_for_mturk()
    sync(made)
    assert market.open_hits()
    return made


@pytest.fixture
def held_elsewhere():
    """Takes a lock in a session of its own, as a sync or an import of another process would."""
    session = connection.copy()
    session.inc_thread_sharing()

    def run(sql: str, lock: Lock, what: int) -> None:
        with session.cursor() as cursor:
            cursor.execute(f"SELECT {sql}(%s, %s)", [lock, what])

    class Holder:
        def take(self, lock: Lock, what: int) -> None:
            run("pg_advisory_lock", lock, what)

        def release(self, lock: Lock, what: int) -> None:
            run("pg_advisory_unlock", lock, what)

    try:
        yield Holder()
    finally:
        session.close()


@pytest.fixture
def queued(monkeypatch) -> list:
    """The syncs that a step queues, instead of a queue."""
    messages: list = []

    def keep(*ids, **options):
        messages.append((ids, options))

    monkeypatch.setattr(publishing.sync_campaign, "delay", keep)
    return messages


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(publishing, "PATIENCE", 0.3)


def test_a_pause_withdraws_hits_while_an_import_is_running(campaign, market, monkeypatch):
    reading, paused = threading.Event(), threading.Event()
    read_judgments = importing.read_judgments

    def slowly(*arguments):
        reading.set()
        assert paused.wait(30)
        return read_judgments(*arguments)

    monkeypatch.setattr(importing, "read_judgments", slowly)
    items = HITItem.objects.filter(hit__campaign=campaign, role="study")
    item = items.select_related("hit", "image", "label").first()
    row = {"worker": "W1", "image": item.image.key, "label": item.label.key, "selected": True}
    file = io.BytesIO(json.dumps(row | {"hit": item.hit.key}).encode())
    imported, errors = [], []

    def run_import() -> None:
        try:
            imported.append(import_responses(campaign, file, "a test"))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run_import)
    thread.start()
    try:
        assert reading.wait(30)
        pause(campaign, "an admin", in_queue=True)
        assert campaign.state == "paused"
        assert not market.open_hits()
    finally:
        paused.set()
        thread.join(30)
    assert not errors
    assert imported[0].judgments == 1


def test_a_sync_that_has_offered_already_does_not_look_again(campaign, market, held_elsewhere):
    """Why a step that did not get its turn must be repeated by somebody."""
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    assert not put_before_crowd(campaign, patience=0)
    held_elsewhere.release(Lock.SYNC, campaign.pk)
    assert market.open_hits()


def test_a_step_without_its_turn_is_queued_and_says_so(
    campaign, market, held_elsewhere, queued, impatient
):
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    with pytest.raises(NotYetTold, match="is paused, but the marketplace has not been told") as no:
        pause(campaign, "an admin", in_queue=True)
    assert "The queue will tell it when that sync ends." in str(no.value)
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert queued == [((campaign.pk,), {"again_if_busy": True})]
    held_elsewhere.release(Lock.SYNC, campaign.pk)
    ids, options = queued[0]
    sync_campaign(*ids, **options)
    assert not market.open_hits()


def test_without_a_queue_the_next_sync_is_named(
    campaign, market, held_elsewhere, impatient, monkeypatch
):
    def unreachable(*ids, **options):
        raise OperationalError

    monkeypatch.setattr(publishing.sync_campaign, "delay", unreachable)
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    with pytest.raises(NotYetTold, match="The queue cannot be reached; once it is back, the next"):
        pause(campaign, "an admin", in_queue=True)
    held_elsewhere.release(Lock.SYNC, campaign.pk)
    monkeypatch.setattr(publishing, "INLINE", 0)
    with pytest.raises(NotYetTold, match="The queue cannot be reached"):
        pause(campaign, "an admin", in_queue=True)
    sync_campaign(campaign.pk)
    assert not market.open_hits()


def test_a_sync_that_a_person_asked_for_waits_for_its_turn(campaign, held_elsewhere):
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    with pytest.raises(Retry):
        sync_campaign(campaign.pk, again_if_busy=True)
    sync_campaign(campaign.pk)  # a periodic one is dropped: the next comes by itself
    held_elsewhere.release(Lock.SYNC, campaign.pk)
    sync_campaign(campaign.pk, again_if_busy=True)


def test_the_admin_warns_and_leads_back(campaign, held_elsewhere, queued, impatient, admin_client):
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    address = reverse("admin:tasks_campaign_pause", args=[campaign.pk])
    reply = admin_client.post(address, {"why": ""}, follow=True)
    assert reply.redirect_chain
    assert "but the marketplace has not been told yet because a sync is running" in (
        reply.content.decode()
    )
    assert len(queued) == 1


def test_the_api_says_so_in_detail(campaign, held_elsewhere, queued, impatient, client):
    client.force_login(get_user_model().objects.create_superuser("boss"))
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    reply = client.post(f"/api/campaigns/{campaign.slug}/pause/", {}, "application/json")
    assert reply.status_code == 409
    assert "is paused, but the marketplace has not been told yet" in reply.json()["detail"]
    assert len(queued) == 1


def test_a_command_says_that_it_waits_and_takes_its_turn(
    campaign, market, held_elsewhere, impatient, caplog
):
    held_elsewhere.take(Lock.SYNC, campaign.pk)
    timer = threading.Timer(1.0, held_elsewhere.release, (Lock.SYNC, campaign.pk))
    timer.start()
    call_command("pause", campaign.slug)
    timer.join()
    assert "waiting for it to end" in caplog.text
    assert not market.open_hits()
