"""The start page and the health probes."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder

from annotation import site_pages


def test_the_start_page_links_to_tasks_and_admin(client):
    html = client.get("/").content.decode()
    assert 'href="/tasks/"' in html
    assert 'href="/admin/"' in html


@pytest.mark.django_db
def test_ready_when_database_migrations_and_queue_are(client, monkeypatch):
    monkeypatch.setattr(site_pages, "_applied", False)
    assert client.get("/readyz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_not_ready_names_a_queue_that_does_not_answer(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert list(response.json()["missing"]) == ["queue"]


@pytest.mark.django_db
def test_not_ready_names_migrations_that_are_not_applied(client, monkeypatch):
    monkeypatch.setattr(site_pages, "_applied", False)
    MigrationRecorder.Migration.objects.filter(app="tasks").delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert list(response.json()["missing"]) == ["migrations"]


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
    assert set(answer["missing"]) == {"database", "migrations", "queue"}
