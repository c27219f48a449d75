"""The site's own pages: the home page and the two probes."""

import hashlib
from collections.abc import Callable
from typing import Any

from csp.decorators import csp
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.serving.readiness import readiness
from tasks.pages.languages import spoken, tell


def site_id() -> str:
    """Identifies this site: processes share it if they share DATA_DIR, secret and database."""
    text = f"{settings.DATA_DIR}\0{settings.SECRET_KEY}\0{connection.settings_dict['NAME']}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@require_safe
@csp(settings.WORKER_PAGE_CSP)
def home(request: HttpRequest) -> HttpResponse:
    """The home page: leads workers to the campaigns, researchers to the admin."""
    with spoken(request):
        response = render(request, "pages/home.html")
        tell(request, response, remember=True)
    return response


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers if the process does; checks nothing else."""
    return JsonResponse({"status": "ok", "site": site_id()})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can store an answer: if not, 503 and `missing` says why.

    `heartbeats`: seconds since the workers of each queue, and beat, were last heard of. With
    `?all=1` their silence, or the queue's, is 503 too; answers are stored without them.
    """
    missing, helpers, heartbeats = readiness()
    answer: dict[str, Any] = {"status": "ok", "heartbeats": heartbeats}
    if request.GET.get("all") == "1":
        missing = missing | helpers
    elif helpers:
        answer["silent"] = helpers
    if missing:
        answer |= {"status": "not ready", "missing": missing}
    return JsonResponse(answer, status=503 if missing else 200)


_pages: dict[str, Callable] = {"": home, "healthz": healthz, "readyz": readyz}
urlpatterns = [
    *(path(address, view, name=view.__name__) for address, view in _pages.items()),
    path("", include("annotation.guided.pages")),
    path("", include("annotation.guided.later")),
    path("", include("annotation.review.pages")),
    path("", include("annotation.dashboards.campaign")),
    path("", include("annotation.dashboards.classifiers")),
    path("", include("annotation.dashboards.trials")),
    path("", include("annotation.dashboards.inference_job")),
    path("", include("annotation.dashboards.practice")),
    path("", include("annotation.dashboards.payments")),
    path("", include("annotation.dashboards.invitations")),
    path("", include("annotation.dashboards.log")),
    path("", include("annotation.dashboards.dataset")),
    path("", include("annotation.explorer.urls")),
    path("", include("annotation.dashboards.report")),
    path("", include("annotation.dashboards.comparison")),
]
