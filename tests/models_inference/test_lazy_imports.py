"""Web processes never load torch, and load what computes and draws the report when it is asked."""

import subprocess
import sys

PROGRAM = """
import sys, django
django.setup()
import annotation.urls, annotation.wsgi
from annotation.celery import app
app.loader.import_default_modules()
from django.contrib import admin
admin.autodiscover()
import models_inference.classifiers.presets, models_inference.jobs
import models_inference.predictions.candidates
heavy = {"torch", "timm", "torchvision", "altair", "scipy.special", "numba"} & set(sys.modules)
assert not heavy, heavy
from celery import _state
assert _state.default_app is app  # threads of the web find their tasks' queue by it
assert "models_inference.celery_tasks" in sys.modules
"""


def test_the_site_and_the_queue_start_without_torch(monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "annotation.settings")
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
