"""Where marketplaces tell the site that something has changed there: it syncs a little sooner."""

import contextlib

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tasks.celery_tasks import sync_campaign
from tasks.crowds.prolific.hooks import campaign_told_of, is_signed, take_secret

TOGETHER = 2  # seconds: events within so many ask for one sync
SOON = 60  # seconds after which a sync that did not run is not worth it


@csrf_exempt
@require_POST
def prolific(request: HttpRequest) -> HttpResponse:
    """An event of Prolific, signed, or the secret by which a new subscription is confirmed."""
    if secret := request.headers.get("X-Hook-Secret"):
        take_secret(secret)
        return HttpResponse(status=200)
    if not is_signed(request.body, request.headers):
        return HttpResponse(status=403)
    campaign = campaign_told_of(request.body)
    if campaign is None:
        return HttpResponse(status=204)  # others' news; Prolific gives up hooks that refuse it
    with contextlib.suppress(OperationalError, RedisError, OSError):
        if cache.add(f"prolific-told-of-{campaign.pk}", True, TOGETHER):
            sync_campaign.apply_async([campaign.pk], countdown=TOGETHER, expires=SOON)
    return HttpResponse(status=204)
