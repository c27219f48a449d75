"""The Celery application: queue `default`, and `gpu` for inference."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
app = Celery("annotation")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["imagesets", "models_inference", "tasks"], related_name="celery_tasks")
