"""The start page and the health probes."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse

from annotation.serving import readiness
from annotation.serving.readiness import Probe


def test_the_start_page_links_to_tasks_and_admin(client):
    html = client.get("/").content.decode()
    assert 'href="/tasks/"' in html
    assert 'href="/admin/"' in html


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["index", "app_list", "tasks_campaign_changelist"])
def test_keys_can_skip_the_navigation(page, admin_client):
    address = reverse(f"admin:{page}", args=["tasks"] if page == "app_list" else [])
    assert 'class="skip-link" href="#content"' in admin_client.get(address).content.decode()


@pytest.fixture(autouse=True)
def anew(monkeypatch) -> None:
    """No findings of an earlier test are fresh."""
    for name in ("storing", "helping"):
        monkeypatch.setattr(readiness, name, Probe(getattr(readiness, name)._steps))
    monkeypatch.setattr(readiness, "_applied", False)


@pytest.mark.django_db(transaction=True)
def test_ready_when_an_answer_can_be_stored(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert set(answer.json()["heartbeats"]) == {"default", "gpu", "beat"}
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_does_not_answer_is_missed_only_when_all_is_asked_for(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    answer = client.get("/readyz")
    assert (answer.status_code, list(answer.json()["silent"])) == (200, ["queue"])
    answer = client.get("/readyz?all=1")
    assert (answer.status_code, list(answer.json()["missing"])) == (503, ["queue"])


@pytest.mark.django_db(transaction=True)
def test_not_ready_names_migrations_that_are_not_applied(client):
    applied = MigrationRecorder.Migration.objects.filter(app="tasks")
    rows = list(applied)
    applied.delete()
    try:
        answer = client.get("/readyz")
    finally:
        MigrationRecorder.Migration.objects.bulk_create(rows)
    assert answer.status_code == 503
    assert list(answer.json()["missing"]) == ["migrations"]


def test_alive_but_not_ready_where_nothing_can_be_reached():
    script = """
import django, json
django.setup()
from django.test import Client
alive, ready = Client().get("/healthz"), Client().get("/readyz")
print(json.dumps([alive.status_code, ready.status_code, ready.json()]))
"""
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "annotation.settings",
            "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing",
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "ALLOWED_HOSTS": "testserver",
        },
    )
    alive, ready, answer = json.loads(run.stdout)
    assert (alive, ready) == (200, 503)
    assert set(answer["missing"]) == {"database", "migrations"}
    assert list(answer["silent"]) == ["queue"]
