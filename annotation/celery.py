"""The Celery application, with the queues `default` and `gpu` (inference)."""

import os

from celery import Celery
from celery.signals import worker_init

import annotation.serving.heartbeats  # noqa: F401 - the workers' signs of life

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
# A worker would import every page of the site, run Django's checks and not look at what they say.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
app = Celery("annotation")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    [
        *("imagesets", "models_inference", "tasks"),
        *("annotation.report", "annotation.explorer", "annotation.accounts"),
    ],
    related_name="celery_tasks",
)

NICE = 5


@worker_init.connect
def give_way(**event: object) -> None:
    """Let web pages come first: on one machine no worker waits for a HIT because a job runs."""
    os.nice(NICE)
