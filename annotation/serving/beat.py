"""Celery's beat with its schedule in the database, which leaves signs of life."""

from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from annotation.serving.heartbeats import BEAT, sign


class Scheduler(DatabaseScheduler):
    def tick(self, *args: Any, **options: Any) -> float:
        sign(BEAT)
        return super().tick(*args, **options)
