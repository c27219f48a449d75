"""Publishing queues the pictures of the campaign's images, and never fails for the queue."""

import queue

import pytest

from annotation.celery import app
from tasks.campaigns.publish import publish
from tasks.models import Campaign, HITItem

pytestmark = pytest.mark.django_db


def queued() -> list[list[int]]:
    """Ids of images in each message of the queue `default` that asks for pictures."""
    found = []
    with app.connection_for_read() as connection, connection.SimpleQueue("default") as waiting:
        while True:
            try:
                message = waiting.get(block=False)
            except queue.Empty:
                return found
            if message.headers["task"] == "imagesets.celery_tasks.make_derivatives":
                found.append(message.payload[0][0])
            message.ack()


def draft(dataset) -> Campaign:
    return Campaign.objects.create(name="C", slug="c", dataset=dataset, kind="contains")


def test_pictures_of_all_images_are_queued_in_chunks_after_the_commit(
    dataset, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr("tasks.campaigns.pictures.CHUNK", 5)
    queued()
    with django_capture_on_commit_callbacks(execute=True):
        publish(draft(dataset), "a test")
        assert queued() == []
    chunks = queued()
    assert [len(chunk) for chunk in chunks] == [5, 5, 2]
    assert {image for chunk in chunks for image in chunk} == set(
        HITItem.objects.values_list("image_id", flat=True)
    )


def test_a_queue_that_cannot_be_reached_stops_nothing(
    dataset, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    def forget_connections() -> None:
        app._pool = app.amqp._producer_pool = None

    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    forget_connections()
    try:
        with django_capture_on_commit_callbacks(execute=True):
            publish(draft(dataset), "a test")
    finally:
        forget_connections()
    assert Campaign.objects.get().state == "open"
    assert "not made ahead" in caplog.text
