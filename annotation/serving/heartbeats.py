"""Signs of life of the queue's workers and of beat, left at the queue's server for /readyz."""

import contextlib
import time
from typing import Any

import redis
from celery.signals import heartbeat_sent, worker_ready
from django.conf import settings

BEAT = "beat"
QUEUES = ("default", "gpu")
EVERY = 10  # seconds between two signs
LATE = 60  # seconds after which somebody is missed
KEPT = 24 * 3600  # seconds
PATIENCE = 0.5  # seconds to wait for the queue's server

_served: list[str] = []  # the queues of this process's worker
_last = 0.0


def sign(*names: str) -> None:
    """Leave a sign of life under each name, unless the last one is fresh or the queue is away."""
    global _last
    if time.monotonic() - _last < EVERY:
        return
    _last = time.monotonic()
    with contextlib.suppress(redis.RedisError), _queue() as queue:
        for name in names:
            queue.set(_key(name), 1, ex=KEPT)


def ages() -> dict[str, int | None]:
    """Seconds since the last sign of each; None: there is none. Raises redis.RedisError.

    The queue's server counts them: the clocks of several machines need not agree.
    """
    with _queue() as queue:
        left = {name: queue.ttl(_key(name)) for name in (*QUEUES, BEAT)}
    return {name: KEPT - seconds if seconds >= 0 else None for name, seconds in left.items()}


def _queue() -> redis.Redis:
    return redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )


def _key(name: str) -> str:
    return f"second-look:heartbeat:{name}"


@worker_ready.connect
def _begin(sender: Any, **event: object) -> None:
    _served[:] = [queue.name for queue in sender.task_consumer.queues]
    sign(*_served)


@heartbeat_sent.connect
def _go_on(**event: object) -> None:
    if _served:
        sign(*_served)
