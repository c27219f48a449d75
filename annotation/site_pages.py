"""The site's own pages: the home page and the two probes."""

import hashlib
from collections.abc import Callable

import redis
from csp.decorators import csp
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

PATIENCE = 2  # seconds to wait for the queue


def site_id() -> str:
    """Identifies this site: processes share it if they share DATA_DIR, secret and database."""
    text = f"{settings.DATA_DIR}\0{settings.SECRET_KEY}\0{connection.settings_dict['NAME']}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@require_safe
@csp(settings.WORKER_PAGE_CSP)
def home(request: HttpRequest) -> HttpResponse:
    """The home page: leads workers to the campaigns, researchers to the admin."""
    return render(request, "pages/home.html")


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers if the process does; checks nothing else."""
    return JsonResponse({"status": "ok", "site": site_id()})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether the site can work: 503 names what is unreachable and migrations not applied."""
    checks = {
        "database": _database_trouble,
        "migrations": _migrations_trouble,
        "queue": _queue_trouble,
    }
    missing = {}
    for name, check in checks.items():
        try:
            trouble = check()
        except Exception as error:  # whatever the driver raises, the probe reports it
            trouble = f"{type(error).__name__}"
        if trouble:
            missing[name] = trouble
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


def _database_trouble() -> str:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


_applied = False  # nobody reverts migrations under a running process


def _migrations_trouble() -> str:
    global _applied
    if _applied:
        return ""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _applied = not plan
    return "" if _applied else f"{len(plan)} not applied (run: manage.py migrate)"


def _queue_trouble() -> str:
    with redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    ) as queue:
        queue.ping()
    return ""


_pages: dict[str, Callable] = {"": home, "healthz": healthz, "readyz": readyz}
urlpatterns = [
    *(path(address, view, name=view.__name__) for address, view in _pages.items()),
    path("", include("annotation.dashboards.progress")),
    path("", include("annotation.dashboards.dataset")),
]
